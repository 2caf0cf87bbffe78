//! `POST /v1/token/refresh`

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::json;

use crate::harness::{TABLE, TestServer};

#[tokio::test]
async fn gives_the_next_pair_of_the_same_session() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(60);
    let refreshed = server.refresh(&signed_in.string("refresh_token")).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert_eq!(refreshed.string("session_id"), signed_in.string("session_id"));
    assert_ne!(refreshed.string("refresh_token"), signed_in.string("refresh_token"));
    let me = server.as_bearer(Method::GET, "/v1/me", &refreshed.string("access_token")).await;
    assert_eq!(me.status, 200);
}

#[tokio::test]
async fn sec_se_02_a_lost_answer_can_be_asked_for_again_byte_for_byte() {
    let server = TestServer::start().await;
    let parent = server.signed_in().await.string("refresh_token");
    let first = server.refresh(&parent).await.string("refresh_token");
    server.clock.advance_millis(9_999);
    assert_eq!(server.refresh(&parent).await.string("refresh_token"), first);
    assert_eq!(server.refresh(&first).await.string("refresh_token"), first, "a young current token is its own answer");
}

#[tokio::test]
async fn sec_se_02_the_parent_after_the_window_revokes_the_family() {
    let server = TestServer::start().await;
    let parent = server.signed_in().await.string("refresh_token");
    let current = server.refresh(&parent).await.string("refresh_token");
    server.clock.advance(10);
    assert_eq!(server.refresh(&parent).await.status, 401);
    assert_eq!(server.refresh(&current).await.status, 401, "the family lives on");
}

#[tokio::test]
async fn sec_se_02_a_grandparent_revokes_the_family_even_inside_the_window() {
    let server = TestServer::start().await;
    let grandparent = server.signed_in().await.string("refresh_token");
    let parent = server.refresh(&grandparent).await.string("refresh_token");
    server.clock.advance(10);
    let signed_in = server.refresh(&parent).await;
    let (current, access) = (signed_in.string("refresh_token"), signed_in.string("access_token"));
    let answer = server.refresh(&grandparent).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"));
    for token in [&current, &parent, &grandparent] {
        assert_eq!(server.refresh(token).await.status, 401);
    }
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 401);
    let session = server.items(TABLE, "USER#").await.into_iter().find(|item| item.contains_key("generation")).unwrap();
    assert!(session.contains_key("revoked_at") && session.contains_key("ttl"), "no tombstone stays");
}

#[tokio::test]
async fn sec_se_01_a_session_ends_by_idle_and_by_absolute_limit() {
    let limits = [("AUTH__SESSIONS__IDLE_SECONDS", "100"), ("AUTH__SESSIONS__ABSOLUTE_SECONDS", "250")];
    let server = TestServer::with(&limits).await;
    let idle = server.signed_in().await.string("refresh_token");
    server.clock.advance(100);
    assert_eq!(server.refresh(&idle).await.status, 401);

    let mut busy = server.signed_in().await.string("refresh_token");
    for _ in 0..3 {
        server.clock.advance(80);
        busy = server.refresh(&busy).await.string("refresh_token");
    }
    server.clock.advance(10);
    assert_eq!(server.refresh(&busy).await.status, 401, "250 seconds are over");
}

#[tokio::test]
async fn sec_se_04_refresh_reads_the_user_and_refuses_what_the_account_no_longer_admits() {
    for (attribute, value) in [
        ("status", AttributeValue::S("disabled".to_owned())),
        ("sessions_not_before", AttributeValue::N("9999999999999".to_owned())),
    ] {
        let server = TestServer::start().await;
        let token = server.signed_in().await.string("refresh_token");
        let user = server.items(TABLE, "USER#").await.into_iter().find(|item| item.contains_key("email")).unwrap();
        server.set_attribute(user["pk"].as_s().unwrap(), "PROFILE", attribute, value).await;
        assert_eq!(server.refresh(&token).await.status, 401, "{attribute}");
    }
}

#[tokio::test]
async fn sec_se_10_a_refresh_never_renews_auth_time() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(60);
    let refreshed = server.refresh(&signed_in.string("refresh_token")).await;
    let auth_time = |answer: &crate::harness::Answer| {
        crate::token_forgery::claims(&answer.string("access_token"))["auth_time"].clone()
    };
    assert_eq!(auth_time(&signed_in), auth_time(&refreshed));
    assert!(auth_time(&signed_in).is_i64());
}

#[tokio::test]
async fn sec_ot_09_a_forged_or_damaged_token_is_refused_without_a_store_request() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    let damaged = format!("{}AAAA", &token[..token.len() - 4]);
    server.store.reset();
    for forged in ["", "rt_s1.AAAA.AAAA", "nonsense", &damaged, &token.replacen("rt_s1", "rt_l1", 1), &"x".repeat(9000)]
    {
        if *forged == token {
            continue;
        }
        let answer = server.refresh(forged).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"));
    }
    assert_eq!(server.store.count(), 0);
}

#[tokio::test]
async fn sec_ot_01_the_table_never_holds_a_usable_token() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    let table = format!("{:?}", server.items(TABLE, "").await);
    for part in token.trim_start_matches("rt_s1.").split('.') {
        assert!(!table.contains(part));
    }
}

#[tokio::test]
async fn the_token_is_required_and_a_string() {
    let server = TestServer::start().await;
    for (body, code) in [(json!({}), "missing"), (json!({ "refresh_token": 5 }), "wrong_type")] {
        let answer = server.post("/v1/token/refresh", &body).await;
        assert_eq!((answer.status, answer.fault()), (400, ("refresh_token".to_owned(), code.to_owned())));
    }
}
