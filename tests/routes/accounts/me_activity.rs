//! `GET /v1/me/activity`

use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

async fn list(server: &TestServer, query: &str, token: &str) -> Value {
    let answer = server.as_bearer(Method::GET, &format!("/v1/me/activity{query}"), token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn sec_pl_03_people_see_what_was_done_when_and_from_where() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let login = server.request(Method::POST, "/v1/login").header(USER_AGENT, "phone");
    let phone = server.send(login.json(&json!({ "email": EMAIL, "password": PASSWORD }))).await;
    server.clock.advance(60);
    let path = format!("/v1/sessions/{}", phone.string("session_id"));
    let laptop = server.login(EMAIL, PASSWORD).await;
    server.clock.advance(60);
    server.as_bearer(Method::DELETE, &path, &laptop.string("access_token")).await;

    let page = list(&server, "", &laptop.string("access_token")).await;
    assert_eq!(page["next_cursor"], Value::Null);
    let items = page["items"].as_array().unwrap();
    let actions: Vec<&str> = items.iter().map(|item| item["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["session_ended", "signed_in", "signed_in"], "newest first");
    let oldest = &items[2];
    assert!(oldest["id"].as_str().unwrap().starts_with("aud_"));
    assert_eq!(oldest["at"], "2026-03-01T12:30:00Z");
    assert_eq!((&oldest["address"], &oldest["session_id"]), (&json!("127.0.0.1"), &phone.json()["session_id"]));
    assert!(oldest["device"].is_string());
}

#[tokio::test]
async fn nobody_sees_anybody_elses() {
    let server = TestServer::start().await;
    server.signed_in().await;
    server.login(EMAIL, OTHER_PASSWORD).await;
    server.register("eve@example.com", PASSWORD).await;
    let eve = server.login("eve@example.com", PASSWORD).await;
    let page = list(&server, "", &eve.string("access_token")).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(page["items"][0]["session_id"], eve.json()["session_id"]);
}

#[tokio::test]
async fn pages_go_over_months_and_show_every_line_once() {
    let server = TestServer::start().await;
    let mut expected = vec![server.signed_in().await.string("session_id")];
    let mut access = String::new();
    for days in [0, 0, 40, 0, 75, 0, 0] {
        server.clock.advance(days * 86_400 + 1);
        let answer = server.login(EMAIL, PASSWORD).await;
        expected.insert(0, answer.string("session_id"));
        access = answer.string("access_token");
    }
    for limit in [1, 2, 3, 4, 8, 100] {
        let (mut found, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = list(&server, &format!("?limit={limit}{cursor}"), &access).await;
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|item| item["session_id"].as_str().unwrap().to_owned()));
            pages += 1;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(found, expected, "{limit}");
        assert_eq!(pages, expected.len().div_ceil(limit), "{limit}");
    }
}

#[tokio::test]
async fn lines_past_their_retention_are_not_shown_even_if_they_are_still_there() {
    let server = TestServer::with(&[("AUTH__STORE__AUDIT_RETENTION_DAYS", "30")]).await;
    let first = server.signed_in().await;
    let page = list(&server, "", &first.string("access_token")).await;
    let old = page["items"][0]["id"].as_str().unwrap().to_owned();
    server.clock.advance(30 * 86_400);
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(list(&server, "", &access).await["items"].as_array().unwrap().len(), 2);
    server.clock.advance_millis(1);
    let page = list(&server, "", &access).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!(list(&server, &format!("?cursor={old}"), &access).await["items"], json!([]));
}

#[tokio::test]
async fn sec_se_08_parameters_are_strict() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for (query, member, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=101", "limit", "out_of_range"),
        ("limit=x", "limit", "wrong_type"),
        ("page=1", "page", "unknown"),
        ("cursor=nonsense", "cursor", "invalid"),
        ("cursor=usr_01j00000000000000000000000", "cursor", "invalid"),
    ] {
        let answer = server.as_bearer(Method::GET, &format!("/v1/me/activity?{query}"), &access).await;
        assert_eq!((answer.status, answer.fault()), (400, (member.to_owned(), code.to_owned())), "{query}");
    }
    for cursor in ["aud_00000000000000000000000000", "aud_7zzzzzzzzzzzzzzzzzzzzzzzzz"] {
        list(&server, &format!("?cursor={cursor}"), &access).await;
    }
}
