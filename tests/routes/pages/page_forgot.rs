//! `POST /ui/forgot`

use crate::harness::applications::{authorize, button, register_applications, sent, with_applications};
use crate::harness::pages::{Browser, form, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    observer.server.verify_directly(EMAIL).await;
    let mut browser = Browser::default();
    let own = observer.server.base.clone();
    let shown = shown_form(&observer.server, &mut browser).await;
    for (email, status) in [(EMAIL, 200), ("nobody@example.com", 200), ("ada", 400)] {
        let typed = [("email", email)];
        observer
            .see("page-forgot", async |it| expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status))
            .await;
    }
    // The link leads on.
    let token = observer.mailed_token(EMAIL).await;
    let shown = browser.open_link(&observer.server, "reset-password", &token).await;
    let typed = [("new_password", OTHER_PASSWORD)];
    observer
        .see("page-reset-password", async |it| {
            expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, 200);
        })
        .await;
}

/// The form, for the shop.
async fn shown_form(server: &TestServer, browser: &mut Browser) -> Answer {
    let asked = browser.open(server, &authorize(&[])).await;
    browser.open(server, &asked.header("location").replace("/ui/login?", "/ui/forgot?")).await
}

#[tokio::test]
async fn sec_oc_18_a_new_password_ends_at_the_application_that_the_old_one_was_for() {
    let server = with_applications().await;
    server.verify_directly(EMAIL).await;
    let mut browser = Browser { language: "de", ..Browser::default() };
    let shown = shown_form(&server, &mut browser).await;
    assert_eq!(heading(&shown), "Passwort vergessen?");
    let mailed = browser.press(&server, &shown, &[("email", " ada@example.com ")]).await;
    assert_eq!((mailed.status, heading(&mailed)), (200, "Sehen Sie in Ihr Postfach"), "{}", mailed.text);
    server.step();
    let token = link_token(&server.newest_mail(EMAIL).await);
    let done = browser.follow(&server, "reset-password", &token, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let (location, words) = button(&done);
    assert_eq!(words, "Weiter zu Laden");
    server.step();
    let asked = browser.open(&server, &location).await;
    let back = browser.sign_in(&server, &asked, EMAIL, OTHER_PASSWORD).await;
    assert!(sent(&back, "code").is_some(), "{}", back.header("location"));
    // In a browser that was on the way to nowhere, the page leads where it always did.
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
}

#[tokio::test]
async fn sec_oc_48_sec_en_04_known_and_unknown_addresses_look_alike_and_cost_the_same() {
    let server = with_applications().await;
    server.verify_directly(EMAIL).await;
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        let mut browser = Browser::default();
        let shown = shown_form(&server, &mut browser).await;
        server.store.reset();
        let mailed = browser.press(&server, &shown, &[("email", email)]).await;
        answers.push((mailed.status, mailed.text.replace(email, ""), server.store.rounds()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn sec_oc_18_an_address_that_is_none_is_typed_again() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let refused = browser.press(&server, &shown, &[("email", "ada@")]).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("This is no email address") && refused.text.contains("value=\"ada@\""));
    assert_eq!(form(&refused).hidden, form(&shown).hidden);
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_mails_nothing() {
    let server = with_applications().await;
    server.verify_directly(EMAIL).await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let before = server.mails(EMAIL).await.len();
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let refused = browser.submit(&server, &shown, &[("email", EMAIL)], origin).await;
        assert_eq!(refused.status, 403, "{origin:?}: {}", refused.text);
    }
    assert_eq!(server.mails(EMAIL).await.len(), before);
}
