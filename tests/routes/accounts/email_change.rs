//! `POST /v1/email/change`

use serde_json::json;
use wardgate::domain::one_time::Purpose;

use crate::harness::mailed::VERIFIED;
use crate::harness::{AUDIT_TABLE, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

const NEW: &str = "ada@new.example";

async fn signed_in() -> (TestServer, String) {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register_verified(EMAIL, PASSWORD).await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    (server, access)
}

#[tokio::test]
async fn the_account_stays_where_it_is_until_the_link_is_followed() {
    let (server, access) = signed_in().await;
    let answer = server.ask_for_address(&access, NEW, PASSWORD).await;
    assert_eq!((answer.status, answer.json()), (202, json!({ "status": "verification_sent" })));
    assert_eq!(server.login(NEW, PASSWORD).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert!(lines.iter().any(|line| line["action"].as_s().unwrap() == "email_change_requested"));
}

#[tokio::test]
async fn sec_en_04_whether_the_new_address_has_an_account_is_not_told() {
    let (server, access) = signed_in().await;
    server.register_verified("taken@example.com", OTHER_PASSWORD).await;
    let mut seen = Vec::new();
    for email in [NEW, "taken@example.com"] {
        server.store.reset();
        let answer = server.ask_for_address(&access, email, PASSWORD).await;
        seen.push((answer.status, answer.text, server.store.rounds()));
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(server.mailed("taken@example.com", Purpose::EmailChange).await.len(), 0);
}

#[tokio::test]
async fn sec_se_10_a_recent_sign_in_is_needed_and_refreshing_is_none() {
    let (server, _) = signed_in().await;
    let session = server.login(EMAIL, PASSWORD).await;
    server.clock.advance(200);
    let refreshed = server.refresh(&session.string("refresh_token")).await.string("access_token");
    server.clock.advance(100);
    assert_eq!(server.ask_for_address(&refreshed, NEW, PASSWORD).await.status, 202);
    server.clock.advance_millis(1);
    let answer = server.ask_for_address(&refreshed, NEW, PASSWORD).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "insufficient_user_authentication"));
    assert_eq!(server.ask_for_address("", NEW, PASSWORD).await.string("code"), "authentication_required");
}

#[tokio::test]
async fn sec_se_10_the_session_has_to_be_alive() {
    let (server, access) = signed_in().await;
    server.as_bearer(reqwest::Method::POST, "/v1/logout", &access).await;
    assert_eq!(server.ask_for_address(&access, NEW, PASSWORD).await.status, 401);
    assert_eq!(server.mailed(NEW, Purpose::EmailChange).await.len(), 0);
}

#[tokio::test]
async fn sec_en_01_the_password_is_checked_under_the_limits_of_a_sign_in() {
    let (server, access) = signed_in().await;
    for _ in 0..10 {
        let answer = server.ask_for_address(&access, NEW, OTHER_PASSWORD).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_credentials"));
    }
    assert_eq!(server.ask_for_address(&access, NEW, PASSWORD).await.status, 429);
    assert_eq!(server.mailed(NEW, Purpose::EmailChange).await.len(), 0);
}

#[tokio::test]
async fn sec_en_07_the_own_address_in_another_spelling_is_no_change() {
    let (server, access) = signed_in().await;
    for (email, code) in [("ADA@Example.COM", "unchanged"), ("ada@localhost", "invalid")] {
        let answer = server.ask_for_address(&access, email, PASSWORD).await;
        assert_eq!((answer.status, answer.fault()), (400, ("new_email".to_owned(), code.to_owned())));
    }
}

#[tokio::test]
async fn sec_ot_12_no_more_addresses_are_kept_than_one_undo_can_give_up() {
    let server = TestServer::with(&[VERIFIED]).await;
    let address = |index: usize| format!("ada{index}@example.com");
    server.register_verified(&address(0), PASSWORD).await;
    for index in 0..10 {
        server.move_address(&address(index), PASSWORD, &address(index + 1)).await;
    }
    let access = server.login(&address(10), PASSWORD).await.string("access_token");
    let answer = server.ask_for_address(&access, NEW, PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after").is_empty()), (429, false));
    let undo = server.last_mailed(&address(0), Purpose::EmailUndo).await.token;
    assert_eq!(server.post("/v1/email/change/undo", &json!({ "token": undo })).await.status, 200);
    for index in 1..=10 {
        assert_eq!(server.beside(&address(index), "CREDENTIAL").await.len(), 0, "{index}");
    }
}

/// Asks from a device, and moves; gives how long the change can be undone.
async fn undo_life(server: &TestServer, device: Option<&str>) -> i64 {
    let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
    let signed_in = server.post("/v1/login", &body).await;
    let ask = json!({ "new_email": NEW, "password": PASSWORD, "device_token": signed_in.string("device_token") });
    let request =
        server.request(reqwest::Method::POST, "/v1/email/change").bearer_auth(signed_in.string("access_token"));
    assert_eq!(server.send(request.json(&ask)).await.status, 202);
    let token = server.last_mailed(NEW, Purpose::EmailChange).await.token;
    assert_eq!(server.post("/v1/email/change/confirm", &json!({ "token": token })).await.status, 200);
    let credential = server.beside(EMAIL, "CREDENTIAL").await.remove(0);
    let until: i64 = credential["reserved_until"].as_n().unwrap().parse().unwrap();
    let undo = server.beside(EMAIL, "ONE_TIME#email_undo#").await.remove(0);
    assert_eq!(undo["expires_at"], credential["reserved_until"], "the link and the address");
    (until - server.context().now.millis()) / 1000
}

const WEEK: i64 = 7 * 86_400;

/// OT-12: the owner can leave a mailbox that somebody else reads; a thief, on whatever device, cannot hurry.
#[tokio::test]
async fn sec_ot_12_a_change_from_a_device_of_a_week_ago_can_be_undone_for_a_day_and_from_a_thiefs_for_a_week() {
    for (age, own, expected) in [(WEEK, true, 86_400), (WEEK - 1, true, WEEK), (WEEK, false, WEEK)] {
        let server = TestServer::with(&[VERIFIED]).await;
        server.register_verified(EMAIL, PASSWORD).await;
        let device = server.login(EMAIL, PASSWORD).await.string("device_token");
        server.clock.advance(age);
        assert_eq!(undo_life(&server, own.then_some(device.as_str())).await, expected, "{age} {own}");
    }
}

/// Whoever leaves a mailbox changes the password first.
#[tokio::test]
async fn sec_ot_12_a_device_that_changes_the_password_stays_as_old_as_it_is_and_a_thiefs_as_young() {
    for (own, expected) in [(true, 86_400), (false, WEEK)] {
        let server = TestServer::with(&[VERIFIED]).await;
        server.register_verified(EMAIL, OTHER_PASSWORD).await;
        let device = server.login(EMAIL, OTHER_PASSWORD).await.string("device_token");
        server.clock.advance(WEEK);
        let body = json!({ "email": EMAIL, "password": OTHER_PASSWORD, "device_token": own.then_some(&device) });
        let signed_in = server.post("/v1/login", &body).await;
        let change = json!({ "current_password": OTHER_PASSWORD, "new_password": PASSWORD,
            "device_token": signed_in.string("device_token") });
        let request = server.request(reqwest::Method::POST, "/v1/password/change");
        let changed = server.send(request.bearer_auth(signed_in.string("access_token")).json(&change)).await;
        // What happens in one millisecond has no order.
        server.clock.advance(1);
        assert_eq!(undo_life(&server, Some(&changed.string("device_token"))).await, expected, "{own}");
    }
}

/// A9: a right password is no failure.
#[tokio::test]
async fn sec_en_02_an_owner_who_asks_often_is_not_taken_for_one_who_guesses() {
    let (server, access) = signed_in().await;
    for index in 0..12 {
        let email = format!("ada{index}@new.example");
        assert_eq!(server.ask_for_address(&access, &email, PASSWORD).await.status, 202, "{index}");
    }
}
