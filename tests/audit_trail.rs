//! What the audit trail says afterwards (PL-03).

use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::json;

use crate::harness::{AUDIT_TABLE, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

async fn actions(server: &TestServer) -> Vec<String> {
    let lines = server.items(AUDIT_TABLE, "").await;
    let mut actions: Vec<_> = lines.iter().map(|line| line["action"].as_s().unwrap().clone()).collect();
    actions.sort();
    actions
}

#[tokio::test]
async fn sec_pl_03_every_change_leaves_a_line_with_who_when_and_where() {
    let server = TestServer::start().await;
    let session = server.signed_in().await;
    server.clock.advance(1);
    server.as_bearer(Method::DELETE, "/v1/sessions", &session.string("access_token")).await;
    server.as_bearer(Method::POST, "/v1/logout", &session.string("access_token")).await;
    assert_eq!(actions(&server).await, ["other_sessions_ended", "registered", "session_ended", "signed_in"]);
    for line in server.items(AUDIT_TABLE, "").await {
        assert!(line["pk"].as_s().unwrap().ends_with("#2026-03"), "partitioned by month");
        assert_eq!(line["address"].as_s().unwrap(), "127.0.0.1");
        for member in ["at", "request_id", "ttl"] {
            assert!(line.contains_key(member), "{member}");
        }
    }
}

#[tokio::test]
async fn sec_pl_03_failures_are_one_line_per_address_and_minute() {
    let server = TestServer::start().await;
    for _ in 0..3 {
        server.login(EMAIL, OTHER_PASSWORD).await;
    }
    server.clock.advance(60);
    server.login(EMAIL, OTHER_PASSWORD).await;
    assert_eq!(actions(&server).await, ["sign_in_failed", "sign_in_failed"]);
}

#[tokio::test]
async fn sec_se_02_reuse_and_a_replay_from_elsewhere_are_recorded() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let token = server.login(EMAIL, PASSWORD).await.string("refresh_token");
    server.refresh(&token).await;
    server.refresh(&token).await;
    assert!(!actions(&server).await.contains(&"refresh_replayed_elsewhere".to_owned()), "the same client");
    let elsewhere = server.request(Method::POST, "/v1/token/refresh").header(USER_AGENT, "another");
    server.send(elsewhere.json(&json!({ "refresh_token": token }))).await;
    assert!(actions(&server).await.contains(&"refresh_replayed_elsewhere".to_owned()));
    server.clock.advance(60);
    server.refresh(&token).await;
    assert!(actions(&server).await.contains(&"refresh_reused".to_owned()));
}

#[tokio::test]
async fn sec_pl_02_no_line_holds_an_address_of_mail_or_a_token() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    let lines = format!("{:?}", server.items(AUDIT_TABLE, "").await);
    assert!(!lines.contains(EMAIL) && !lines.contains(&token) && !lines.contains(PASSWORD));
}
