//! `POST /ui/account/credentials`

use crate::harness::pages::{Browser, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

const NEW: &str = "ada.l@example.com";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    observer.server.register(EMAIL, PASSWORD).await;
    observer.server.verify_directly(EMAIL).await;
    let own = observer.server.base.clone();
    let (mut browser, shown) = form(&observer.server, "email").await;
    for (email, password, status) in [(NEW, OTHER_PASSWORD, 400), (NEW, PASSWORD, 200)] {
        let typed = [("email", email), ("password", password)];
        observer
            .see("page-account-credentials", async |it| {
                expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status);
            })
            .await;
    }
    let shown = browser.open(&observer.server, "/ui/account/password").await;
    for (password, status) in [(OTHER_PASSWORD, 400), (PASSWORD, 200)] {
        observer.server.step();
        let typed = [("password", password), ("new_password", OTHER_PASSWORD)];
        observer
            .see("page-account-credentials", async |it| {
                expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status);
            })
            .await;
    }
}

/// A browser whose person is signed in, and a form of the account's.
async fn form(server: &TestServer, section: &str) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let path = format!("/ui/account/{section}");
    let led = browser.open(server, &path).await;
    let login = browser.open(server, led.header("location")).await;
    let pressed = browser.press(server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(pressed.header("location"), path, "{}", pressed.text);
    server.step();
    let shown = browser.open(server, &path).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    (browser, shown)
}

async fn with_person() -> TestServer {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    server
}

#[tokio::test]
async fn sec_pw_06_a_new_password_needs_the_present_one_and_ends_every_other_session() {
    let server = with_person().await;
    let api = server.login(EMAIL, PASSWORD).await;
    let (mut browser, shown) = form(&server, "password").await;
    for (password, new, reason) in [
        (OTHER_PASSWORD, "four unrelated words here", "This is not your present password"),
        (PASSWORD, "short", "has 5 characters and needs at least 15"),
    ] {
        let refused = browser.press(&server, &shown, &[("password", password), ("new_password", new)]).await;
        assert_eq!((refused.status, heading(&refused)), (400, "Change your password"), "{}", refused.text);
        assert!(refused.text.contains(reason) && !refused.text.contains(new), "{}", refused.text);
        server.step();
    }
    let done = browser.press(&server, &shown, &[("password", PASSWORD), ("new_password", OTHER_PASSWORD)]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your password is saved"), "{}", done.text);
    assert!(done.text.contains("Back to your account"), "{}", done.text);
    server.step();
    assert_eq!(browser.open(&server, "/ui/account").await.status, 200, "this session goes on");
    let other = server.as_bearer(reqwest::Method::GET, "/v1/me", &api.string("access_token")).await;
    assert_eq!(other.status, 401);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_12_another_address_is_the_accounts_once_its_mail_is_opened() {
    let server = with_person().await;
    let (mut browser, shown) = form(&server, "email").await;
    for (email, password, reason) in [
        ("ada", PASSWORD, "This is no email address"),
        (EMAIL, PASSWORD, "has this address already"),
        (NEW, OTHER_PASSWORD, "This is not your present password"),
    ] {
        let refused = browser.press(&server, &shown, &[("email", email), ("password", password)]).await;
        assert_eq!((refused.status, heading(&refused)), (400, "Change your address"), "{}", refused.text);
        assert!(refused.text.contains(reason), "{reason}: {}", refused.text);
        server.step();
    }
    let asked = browser.press(&server, &shown, &[("email", NEW), ("password", PASSWORD)]).await;
    assert_eq!((asked.status, heading(&asked)), (200, "Look into your mail"), "{}", asked.text);
    assert!(asked.text.contains(NEW), "{}", asked.text);
    let token = link_token(&server.newest_mail(NEW).await);
    let done = browser.follow(&server, "confirm-email-change", &token, &[]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    server.step();
    assert_eq!(server.login(NEW, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_se_06_sec_se_10_neither_a_foreign_form_nor_an_old_sign_in_changes_anything() {
    let server = with_person().await;
    for (section, typed) in [
        ("password", [("password", PASSWORD), ("new_password", OTHER_PASSWORD)]),
        ("email", [("email", NEW), ("password", PASSWORD)]),
    ] {
        let (mut browser, shown) = form(&server, section).await;
        for origin in [None, Some("null"), Some("https://evil.example")] {
            let refused = browser.submit(&server, &shown, &typed, origin).await;
            assert_eq!(refused.status, 403, "{section} {origin:?}: {}", refused.text);
        }
        server.clock.advance(3600);
        let led = browser.press(&server, &shown, &typed).await;
        assert!(
            led.status == 303 && led.header("location").starts_with("/ui/login?request="),
            "{section}: {}",
            led.text
        );
        server.step();
    }
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert!(server.mails(NEW).await.is_empty());
}
