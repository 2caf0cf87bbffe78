//! `POST /ui/keep-account`

use reqwest::Method;

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{EMAIL, PASSWORD, TestServer, link_token};

/// An account that leaves, and the mailed link's token.
async fn leaving() -> (TestServer, String) {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    server.step();
    (server, token)
}

#[tokio::test]
async fn sec_ot_02_sec_ot_05_the_mailed_link_opens_a_page_whose_button_keeps_the_account_once() {
    let (server, token) = leaving().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "keep-account", &token).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401, "showing the page kept the account");
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your account stays"), "{}", done.text);
    assert!(done.text.contains(EMAIL) && !shown.text.contains(EMAIL), "{}", done.text);
    assert!(!browser.cookies.contains_key("__Host-wardgate-refresh"), "somebody was signed in");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert_dead(&Browser::default().press(&server, &shown, &[]).await);
}

#[tokio::test]
async fn sec_ot_03_after_the_time_of_grace_the_link_does_nothing() {
    let (server, token) = leaving().await;
    server.clock.advance(14 * 86_400);
    assert_dead(&Browser::default().follow(&server, "keep-account", &token, &[]).await);
}
