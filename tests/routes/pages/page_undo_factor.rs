//! `POST /ui/undo-factor`

use reqwest::Method;
use serde_json::Value;

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer, link_token};
use crate::permissions::observer::Observer;
use crate::routes::pages::drive_link;

const DAY: i64 = 24 * 3600;

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    observer.server.with_second_factor().await;
    let token = link_token(&observer.server.newest_mail(EMAIL).await);
    drive_link(observer, "page-undo-factor", "undo-factor", &token).await;
    observer.server.step();
    observer.server.with_passkey_of(EMAIL, observer.server.authenticator()).await;
    let token = link_token(&observer.server.newest_mail(EMAIL).await);
    drive_link(observer, "page-undo-factor", "undo-factor", &token).await;
}

#[tokio::test]
async fn sec_mf_08_an_owner_takes_a_first_factor_away_that_a_thief_has_set_up_and_all_that_came_of_it() {
    let server = TestServer::start().await;
    // The session was stolen.
    let thief = server.with_second_factor().await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    // What the thief makes of it does not stand in the way.
    let codes = server.mfa(&thief.access(), Method::POST, "/recovery-codes", &Value::Null).await;
    assert_eq!(codes.status, 200, "{}", codes.text);
    let (app, enrolment) = server.enrolment(&thief.access()).await;
    assert_eq!(server.confirm(&thief.access(), &enrolment, &server.code_of(&app)).await.status, 200);
    server.clock.advance(30);
    let waiting = server.first_step().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "undo-factor", &token).await;
    server.first_step().await;
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "The second factor is gone"), "{}", done.text);
    assert!(done.text.contains(EMAIL));
    server.step();
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &thief.access()).await.status, 401, "every session is dead");
    assert_eq!(server.second_step(&waiting, "totp", &server.code_of(&app)).await.status, 401);
    assert!(!server.items(TABLE, "USER#").await.iter().any(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#")));
    let signed_in = server.login(EMAIL, PASSWORD).await;
    assert_eq!(signed_in.string("status"), "signed_in");
    assert!(server.newest_mail(EMAIL).await.text.contains("The second factor was taken away again"));
    let again = browser.press(&server, &shown, &[]).await;
    assert_eq!((again.status, heading(&again)), (200, "The second factor is gone"), "pressed twice (OT-02)");
    assert_dead(&Browser::default().press(&server, &shown, &[]).await);
}

#[tokio::test]
async fn sec_mf_08_a_thief_who_sets_up_and_takes_away_until_no_mail_goes_out_is_undone_by_any_of_the_links() {
    let server = TestServer::start().await;
    let first = server.with_second_factor().await;
    let link = link_token(&server.newest_mail(EMAIL).await);
    for _ in 0..15 {
        assert_eq!(server.mfa(&first.access(), Method::DELETE, "/totp", &Value::Null).await.status, 204);
        let (app, token) = server.enrolment(&first.access()).await;
        assert_eq!(server.confirm(&first.access(), &token, &server.code_of(&app)).await.status, 200);
    }
    let done = Browser::default().follow(&server, "undo-factor", &link, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "The second factor is gone"), "{}", done.text);
    server.step();
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
}

#[tokio::test]
async fn sec_mf_08_the_link_works_for_a_day() {
    let server = TestServer::start().await;
    server.with_second_factor().await;
    let link = link_token(&server.newest_mail(EMAIL).await);
    server.clock.advance(DAY);
    assert_dead(&Browser::default().follow(&server, "undo-factor", &link, &[]).await);
    server.first_step().await;
}
