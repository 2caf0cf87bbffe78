//! `GET /v1/sessions`

use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use crate::harness::{EMAIL, PASSWORD, TestServer};

const PHONE: &str = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";

async fn list(server: &TestServer, query: &str, token: &str) -> Value {
    let answer = server.as_bearer(Method::GET, &format!("/v1/sessions{query}"), token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn sec_se_05_sessions_show_device_address_and_times() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let login = server.request(Method::POST, "/v1/login").header(USER_AGENT, PHONE);
    let phone = server.send(login.json(&json!({ "email": EMAIL, "password": PASSWORD }))).await;
    server.clock.advance(60);
    let laptop = server.login(EMAIL, PASSWORD).await;
    server.clock.advance(60);
    let refresh = server.request(Method::POST, "/v1/token/refresh").header(USER_AGENT, PHONE);
    server.send(refresh.json(&json!({ "refresh_token": phone.string("refresh_token") }))).await;

    let page = list(&server, "", &laptop.string("access_token")).await;
    assert_eq!(page["next_cursor"], Value::Null);
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["id"], laptop.json()["session_id"], "newest first");
    assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(true), &json!(false)));
    assert_eq!((&items[1]["device"], &items[1]["user_agent"]), (&json!("Firefox on Android"), &json!(PHONE)));
    assert_eq!(items[1]["created_at"], "2026-03-01T12:30:00Z");
    assert_eq!(items[1]["last_used_at"], "2026-03-01T12:32:00Z");
    assert_eq!(items[0]["address"], "127.0.0.1");
    assert_eq!((&items[0]["device"], &items[0]["user_agent"]), (&json!("Unknown device"), &Value::Null));
}

#[tokio::test]
async fn pages_cover_every_live_session_once() {
    let server = TestServer::start().await;
    let mut expected = vec![server.signed_in().await.string("session_id")];
    let mut access = String::new();
    for _ in 0..4 {
        server.clock.advance(1);
        let answer = server.login(EMAIL, PASSWORD).await;
        expected.insert(0, answer.string("session_id"));
        access = answer.string("access_token");
    }
    let ended = expected.remove(2);
    server.as_bearer(Method::DELETE, &format!("/v1/sessions/{ended}"), &access).await;
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..10 {
        let page = list(&server, &format!("?limit=2{cursor}"), &access).await;
        found.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn sec_se_08_parameters_are_strict() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for (query, member, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("limit=x", "limit", "wrong_type"),
        ("limit=1&limit=2", "limit", "duplicate"),
        ("page=1", "page", "unknown"),
        ("cursor=nonsense", "cursor", "invalid"),
    ] {
        let answer = server.as_bearer(Method::GET, &format!("/v1/sessions?{query}"), &access).await;
        assert_eq!((answer.status, answer.fault()), (400, (member.to_owned(), code.to_owned())), "{query}");
    }
}
