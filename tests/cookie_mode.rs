//! SE-06: the refresh token in a cookie, for browsers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};

/// Listed in stage development.
const ORIGIN: &str = "http://localhost:3000";

async fn post(server: &TestServer, path: &str, origin: Option<&str>, cookie: Option<&str>, body: &Value) -> Answer {
    let mut request = server.request(Method::POST, path).json(body);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    server.send(request).await
}

/// The cookie as a browser sends it back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn signed_in(server: &TestServer) -> Answer {
    server.register(EMAIL, PASSWORD).await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "transport": "cookie" });
    let answer = post(server, "/v1/login", Some(ORIGIN), None, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

#[tokio::test]
async fn sec_se_06_in_cookie_mode_no_refresh_token_is_in_a_body() {
    let server = TestServer::start().await;
    let answer = signed_in(&server).await;
    let set = answer.header("set-cookie");
    for attribute in ["__Host-wardgate-refresh=rt_", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(attribute), "{attribute}: {set}");
    }
    assert!(answer.json().get("refresh_token").is_none());
    let refreshed = post(&server, "/v1/token/refresh", Some(ORIGIN), Some(&cookie(&answer)), &json!({})).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    assert!(refreshed.json().get("refresh_token").is_none());
    assert!(refreshed.header("set-cookie").starts_with("__Host-wardgate-refresh=rt_"));
    assert_ne!(cookie(&refreshed), "__Host-wardgate-refresh=");
}

#[tokio::test]
async fn sec_se_06_a_missing_null_or_foreign_origin_neither_sets_nor_reads_a_cookie() {
    let server = TestServer::start().await;
    let cookie = cookie(&signed_in(&server).await);
    let login = json!({ "email": EMAIL, "password": PASSWORD, "transport": "cookie" });
    for origin in [None, Some("null"), Some("https://evil.example"), Some("http://localhost:3000.evil.example")] {
        for (path, body) in [("/v1/login", &login), ("/v1/token/refresh", &json!({})), ("/v1/logout", &json!({}))] {
            let answer = post(&server, path, origin, Some(&cookie), body).await;
            assert_eq!(
                (answer.status, answer.string("code").as_str()),
                (403, "origin_not_allowed"),
                "{path} {origin:?}"
            );
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    // The session has lived through all of it.
    assert_eq!(post(&server, "/v1/token/refresh", Some(ORIGIN), Some(&cookie), &json!({})).await.status, 200);
}

#[tokio::test]
async fn sec_se_06_a_form_of_another_site_cannot_sign_anybody_out() {
    let server = TestServer::start().await;
    let cookie = cookie(&signed_in(&server).await);
    let form = server.request(Method::POST, "/v1/logout").header("origin", ORIGIN).header("cookie", &cookie);
    assert_eq!(server.send(form).await.status, 415);
    let ended = post(&server, "/v1/logout", Some(ORIGIN), Some(&cookie), &json!({})).await;
    assert_eq!(ended.status, 204, "{}", ended.text);
    assert!(ended.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(post(&server, "/v1/token/refresh", Some(ORIGIN), Some(&cookie), &json!({})).await.status, 401);
}

#[tokio::test]
async fn a_page_of_our_own_origin_may_use_cookies() {
    let server = TestServer::start().await;
    let cookie = cookie(&signed_in(&server).await);
    let own = server.base.clone();
    assert_eq!(post(&server, "/v1/token/refresh", Some(&own), Some(&cookie), &json!({})).await.status, 200);
}

#[tokio::test]
async fn a_token_in_the_body_is_answered_in_the_body() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let refreshed = server.refresh(&signed_in.string("refresh_token")).await;
    assert_eq!(refreshed.header("set-cookie"), "");
    assert!(refreshed.string("refresh_token").starts_with("rt_"));
}
