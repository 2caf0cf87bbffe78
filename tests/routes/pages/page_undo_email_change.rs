//! `POST /ui/undo-email-change`

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{EMAIL, PASSWORD, TestServer, link_token};

const NEW_EMAIL: &str = "ada@new.example.com";

#[tokio::test]
async fn sec_ot_12_sec_ot_05_the_mailed_link_opens_a_page_whose_button_brings_the_address_back() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.move_address(EMAIL, PASSWORD, NEW_EMAIL).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "undo-email-change", &token).await;
    assert_eq!(server.login(NEW_EMAIL, PASSWORD).await.status, 200, "showing the page moved the account");
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your former address is back"), "{}", done.text);
    assert!(done.text.contains(EMAIL) && !shown.text.contains(EMAIL), "{}", done.text);
    server.step();
    assert_eq!(server.login(NEW_EMAIL, PASSWORD).await.status, 401);
    assert_dead(&Browser::default().press(&server, &shown, &[]).await);
}

#[tokio::test]
async fn sec_ot_12_after_seven_days_the_link_does_nothing() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.move_address(EMAIL, PASSWORD, NEW_EMAIL).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    server.clock.advance(7 * 86400);
    assert_dead(&Browser::default().follow(&server, "undo-email-change", &token, &[]).await);
    assert_eq!(server.login(NEW_EMAIL, PASSWORD).await.status, 200);
}
