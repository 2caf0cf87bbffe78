//! `PATCH /v1/me`

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{AUDIT_TABLE, Answer, EMAIL, PASSWORD, TestServer};

async fn patch(server: &TestServer, access: &str, body: &Value) -> Answer {
    server.send(server.request(Method::PATCH, "/v1/me").bearer_auth(access).json(body)).await
}

#[tokio::test]
async fn sets_and_takes_away_the_name_and_answers_with_the_profile() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for (name, kept) in [(json!("  Ada Lovelace "), json!("Ada Lovelace")), (Value::Null, Value::Null)] {
        let answer = patch(&server, &access, &json!({ "name": name })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["name"], kept);
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.json(), answer.json());
    }
}

#[tokio::test]
async fn a_name_that_is_left_out_is_not_a_name_that_is_null() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    patch(&server, &access, &json!({ "name": "Ada" })).await;
    for (body, member, code) in [
        (json!({}), "name", "missing"),
        (json!({ "name": " " }), "name", "invalid"),
        (json!({ "name": "Ada\nBcc: x" }), "name", "invalid"),
        (json!({ "name": 7 }), "name", "wrong_type"),
        (json!({ "email": "b@example.com" }), "email", "unknown"),
        (json!({ "name": "Eve", "roles": ["admin"] }), "roles", "unknown"),
    ] {
        let answer = patch(&server, &access, &body).await;
        assert_eq!((answer.status, answer.fault()), (400, (member.to_owned(), code.to_owned())), "{body}");
    }
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.json()["name"], "Ada");
}

#[tokio::test]
async fn sec_se_10_needs_a_live_session() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.as_bearer(Method::POST, "/v1/logout", &access).await;
    assert_eq!(patch(&server, &access, &json!({ "name": "Eve" })).await.status, 401);
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.json()["name"], Value::Null);
}

#[tokio::test]
async fn sec_pl_03_a_change_of_the_profile_is_recorded_without_the_name() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    patch(&server, &signed_in.string("access_token"), &json!({ "name": "Ada Lovelace" })).await;
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    let line = lines.iter().find(|line| line["action"].as_s().unwrap() == "profile_changed").unwrap();
    assert_eq!(line["session"].as_s().unwrap(), &signed_in.string("session_id"));
    assert_eq!(line["address"].as_s().unwrap(), "127.0.0.1");
    assert!(line.contains_key("request_id") && line.contains_key("at"));
    assert!(!format!("{lines:?}").contains("Lovelace"));
}

/// No change of the name gets lost, and none gets in the way of another change of the account.
#[tokio::test]
async fn changes_at_a_time_all_succeed() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let changes = (0..10).map(|number| {
        let (server, access) = (&server, &access);
        async move { patch(server, access, &json!({ "name": format!("Ada {number}") })).await.status }
    });
    let ending = server.as_bearer(Method::DELETE, "/v1/sessions", &access);
    let (statuses, ended) = futures::join!(futures::future::join_all(changes), ending);
    assert_eq!((statuses, ended.status), (vec![200; 10], 204));
}
