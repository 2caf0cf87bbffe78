//! `POST /ui/register`

use crate::harness::applications::{authorize, button, register_applications, sent, with_applications};
use crate::harness::pages::{Browser, form, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

const CSRF: &str = "__Host-wardgate-csrf";
const NEW: &str = "grace@example.com";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let mut browser = Browser::default();
    let own = observer.server.base.clone();
    let shown = shown_form(&observer.server, &mut browser).await;
    for (email, password, status) in [(NEW, PASSWORD, 200), (EMAIL, PASSWORD, 200), (NEW, "short", 400)] {
        let typed = [("email", email), ("name", "Grace"), ("new_password", password)];
        observer
            .see("page-register", async |it| {
                expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status);
            })
            .await;
    }
    // The link leads on.
    let token = observer.mailed_token(NEW).await;
    let shown = browser.open_link(&observer.server, "verify-email", &token).await;
    observer
        .see("page-verify-email", async |it| expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 200))
        .await;
}

/// The form, for the shop.
async fn shown_form(server: &TestServer, browser: &mut Browser) -> Answer {
    let asked = browser.open(server, &authorize(&[("prompt", "create")])).await;
    assert!(asked.header("location").starts_with("/ui/register?request="), "{}", asked.header("location"));
    browser.open(server, asked.header("location")).await
}

#[tokio::test]
async fn sec_oc_18_a_new_account_ends_at_the_application_that_asked_for_it() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    register_applications(&server).await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    assert_eq!(heading(&shown), "Create an account to continue to Shop &amp; Co");
    let typed = [("email", NEW), ("name", " Grace "), ("new_password", PASSWORD)];
    let mailed = browser.press(&server, &shown, &typed).await;
    assert_eq!((mailed.status, heading(&mailed)), (200, "Look into your mail"), "{}", mailed.text);
    assert!(
        mailed.text.contains(NEW) && mailed.text.contains("href=\"&#x2f;ui&#x2f;login?request="),
        "{}",
        mailed.text
    );
    server.step();
    let token = link_token(&server.newest_mail(NEW).await);
    let verified = browser.follow(&server, "verify-email", &token, &[]).await;
    assert_eq!(verified.status, 200, "{}", verified.text);
    let (location, words) = button(&verified);
    assert_eq!(words, "Continue to Shop &amp; Co");
    // Where the application asked for an account, the way on is to sign in with it.
    let asked = browser.open(&server, &location).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.header("location"));
    let shown = browser.open(&server, asked.header("location")).await;
    server.step();
    let pressed = browser.press(&server, &shown, &[("email", NEW), ("password", PASSWORD)]).await;
    server.step();
    let back = browser.open(&server, pressed.header("location")).await;
    assert!(sent(&back, "code").is_some(), "{}", back.header("location"));
}

#[tokio::test]
async fn sec_oc_48_sec_en_04_known_and_unknown_addresses_look_alike_and_cost_the_same() {
    let new = TestServer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    register_applications(&new).await;
    let taken = with_applications().await;
    let mut answers = Vec::new();
    for (server, email) in [(&new, NEW), (&taken, EMAIL)] {
        let mut browser = Browser::default();
        let shown = shown_form(server, &mut browser).await;
        server.store.reset();
        let typed = [("email", email), ("name", ""), ("new_password", OTHER_PASSWORD)];
        let mailed = browser.press(server, &shown, &typed).await;
        assert_eq!(mailed.status, 200, "{}", mailed.text);
        answers.push((mailed.text.replace(email, ""), server.store.rounds()));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(taken.login(EMAIL, OTHER_PASSWORD).await.status, 401);
}

#[tokio::test]
async fn sec_oc_18_whatever_is_refused_has_the_form_again_with_what_was_typed() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let long = "x".repeat(101);
    for (email, name, password, reason) in [
        ("grace", "Grace", PASSWORD, "This is no email address"),
        (NEW, long.as_str(), PASSWORD, "This name cannot be used"),
        (NEW, "Grace", "four words", "has 10 characters and needs at least 15"),
        (NEW, "Grace", "grace@example.com", "leans too much on"),
    ] {
        let typed = [("email", email), ("name", name), ("new_password", password)];
        let refused = browser.press(&server, &shown, &typed).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains(reason), "{reason}: {}", refused.text);
        assert!(refused.text.contains(&format!("value=\"{email}\"")), "{}", refused.text);
        assert!(refused.text.contains(&format!("value=\"{name}\"")), "{}", refused.text);
        assert!(!refused.text.contains(&format!("value=\"{password}\"")) || password == email, "{}", refused.text);
        assert_eq!(form(&refused).hidden, form(&shown).hidden);
    }
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_asks_for_no_account() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let typed = [("email", NEW), ("new_password", PASSWORD)];
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let refused = browser.submit(&server, &shown, &typed, origin).await;
        assert_eq!(refused.status, 403, "{origin:?}: {}", refused.text);
    }
    assert_eq!(server.login(NEW, PASSWORD).await.status, 401);
    browser.cookies.remove(CSRF);
    assert_eq!(browser.press(&server, &shown, &typed).await.status, 403);
}

#[tokio::test]
async fn where_sign_up_is_closed_the_page_says_so_and_nothing_offers_it() {
    let server = TestServer::with(&[("AUTH__SWITCHES__SIGN_UP", "false")]).await;
    let mut browser = Browser::default();
    let login = browser.open(&server, "/ui/login").await;
    assert!(!login.text.contains("/ui/register"), "{}", login.text);
    let shown = browser.open(&server, "/ui/register").await;
    let refused = browser.press(&server, &shown, &[("email", NEW), ("new_password", PASSWORD)]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.text.contains("switched off"), "{}", refused.text);
}

#[tokio::test]
async fn sec_oc_48_too_many_registrations_are_told_with_when_to_come_back() {
    let server = TestServer::with(&[("AUTH__LIMITS__REGISTER_SOURCE__LIMIT", "3")]).await;
    register_applications(&server).await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let mut last = Answer::default();
    for _ in 0..4 {
        last = browser.press(&server, &shown, &[("email", NEW), ("new_password", PASSWORD)]).await;
        if last.status != 200 {
            break;
        }
    }
    assert_eq!(last.status, 429, "{}", last.text);
    assert!(!last.header("retry-after").is_empty() && last.text.contains("too many attempts"), "{}", last.text);
}
