//! `POST /v1/email/change/confirm`

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::one_time::Purpose;

use crate::harness::mailed::VERIFIED;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

const NEW: &str = "ada@new.example";

async fn asked() -> (TestServer, Answer, String) {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register_verified(EMAIL, PASSWORD).await;
    let session = server.login(EMAIL, PASSWORD).await;
    server.ask_for_address(&session.string("access_token"), NEW, PASSWORD).await;
    let token = server.last_mailed(NEW, Purpose::EmailChange).await.token;
    server.step();
    (server, session, token)
}

async fn confirm(server: &TestServer, token: &str) -> Answer {
    let answer = server.post("/v1/email/change/confirm", &json!({ "token": token })).await;
    server.step();
    answer
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.string("code").as_str()), (400, "invalid_link"), "{}", answer.text);
}

#[tokio::test]
async fn sec_ot_12_the_account_moves_with_its_password_and_every_session_ends() {
    let (server, session, token) = asked().await;
    let answer = confirm(&server, &token).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "email_changed" })));
    assert_eq!(server.refresh(&session.string("refresh_token")).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    let moved = server.login(NEW, PASSWORD).await;
    let me = server.as_bearer(Method::GET, "/v1/me", &moved.string("access_token")).await;
    assert_eq!((me.string("email").as_str(), me.json()["email_verified"].as_bool()), (NEW, Some(true)));
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert!(lines.iter().any(|line| line["action"].as_s().unwrap() == "email_changed"));
}

#[tokio::test]
async fn sec_ot_12_the_address_before_is_kept_for_seven_days_and_then_anybodys() {
    let (server, _, token) = asked().await;
    confirm(&server, &token).await;
    let reserved = server.beside(EMAIL, "CREDENTIAL").await;
    assert!(!reserved[0].contains_key("password") && reserved[0].contains_key("ttl"));
    let before = server.mailed(EMAIL, Purpose::Verification).await;
    server.register(EMAIL, OTHER_PASSWORD).await;
    assert_eq!(server.mailed(EMAIL, Purpose::Verification).await, before, "a kept address can be registered");
    assert_eq!(server.mailed(EMAIL, Purpose::EmailUndo).await.len(), 1, "the address before was not told");
    // The table's TTL has not come by yet: the condition decides.
    server.clock.advance(7 * 86_400);
    server.register_verified(EMAIL, OTHER_PASSWORD).await;
    assert!(!server.beside(EMAIL, "CREDENTIAL").await[0].contains_key("ttl"), "the new account would vanish");
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    assert_eq!(server.login(NEW, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_02_of_20_parallel_uses_one_moves_the_account() {
    let (server, _, token) = asked().await;
    let body = json!({ "token": token });
    let answers = join_all((0..20).map(|_| server.post("/v1/email/change/confirm", &body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(refused);
    refused(&confirm(&server, &token).await);
    assert_eq!(server.mailed(EMAIL, Purpose::EmailUndo).await.len(), 1);
}

#[tokio::test]
async fn sec_ot_03_a_link_expires_to_the_millisecond() {
    for (advance, expected) in [(86_400_000 - 2, 200), (86_400_000 - 1, 400)] {
        let (server, _, token) = asked().await;
        server.clock.advance_millis(advance);
        assert_eq!(confirm(&server, &token).await.status, expected, "{advance}");
    }
}

#[tokio::test]
async fn sec_se_04_a_change_of_credentials_ends_the_link() {
    let (server, session, token) = asked().await;
    server.ask_for_address(&session.string("access_token"), "ada@other.example", PASSWORD).await;
    let other = server.last_mailed("ada@other.example", Purpose::EmailChange).await.token;
    assert_eq!(confirm(&server, &token).await.status, 200);
    refused(&confirm(&server, &other).await);
    assert_eq!(server.login(NEW, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_not_taken_away() {
    let (server, _, token) = asked().await;
    server.register_verified(NEW, OTHER_PASSWORD).await;
    refused(&confirm(&server, &token).await);
    assert_eq!(server.login(NEW, OTHER_PASSWORD).await.status, 200);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_09_a_token_of_another_purpose_or_a_forged_one_moves_nothing() {
    let (server, _, token) = asked().await;
    for forged in ["", "cc_m1.AAAA.AAAA", &token.replacen("cc_", "cu_", 1)] {
        server.store.reset();
        refused(&confirm(&server, forged).await);
        assert_eq!(server.store.count(), 0);
    }
    refused(&server.post("/v1/email/change/undo", &json!({ "token": token })).await);
    refused(&server.verify_link(&token, None).await);
}
