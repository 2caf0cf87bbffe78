//! `POST /ui/confirm-email-change`

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{EMAIL, PASSWORD, TestServer, link_token};

const NEW_EMAIL: &str = "ada@new.example.com";

#[tokio::test]
async fn sec_ot_12_sec_ot_05_the_mailed_link_opens_a_page_whose_button_moves_the_account_once() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    assert_eq!(server.ask_for_address(&access, NEW_EMAIL, PASSWORD).await.status, 202);
    let token = link_token(&server.newest_mail(NEW_EMAIL).await);
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "confirm-email-change", &token).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200, "showing the page moved the account");
    server.step();
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your new address is confirmed"), "{}", done.text);
    assert!(done.text.contains(NEW_EMAIL) && !shown.text.contains(NEW_EMAIL), "{}", done.text);
    server.step();
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert_eq!(server.login(NEW_EMAIL, PASSWORD).await.status, 200);
    assert_dead(&Browser::default().press(&server, &shown, &[]).await);
    assert_dead(&browser.follow(&server, "undo-email-change", &token, &[]).await);
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_an_expired_link_moves_nothing() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.ask_for_address(&access, NEW_EMAIL, PASSWORD).await;
    let token = link_token(&server.newest_mail(NEW_EMAIL).await);
    server.clock.advance(86400);
    assert_dead(&Browser::default().follow(&server, "confirm-email-change", &token, &[]).await);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}
