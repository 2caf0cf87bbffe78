//! `GET /v1/me`

use reqwest::Method;
use serde_json::json;

use crate::harness::{EMAIL, PASSWORD, TestServer};

#[tokio::test]
async fn shows_the_profile() {
    let server = TestServer::start().await;
    let body = json!({ "email": "Ada@Example.com", "password": PASSWORD, "name": "  Ada Lovelace " });
    server.post("/v1/register", &body).await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    let me = server.as_bearer(Method::GET, "/v1/me", &access).await;
    assert_eq!(me.status, 200);
    let mut profile = me.json();
    assert!(profile["id"].take().as_str().unwrap().starts_with("usr_"));
    assert_eq!(
        profile,
        json!({
            "id": null, "email": "Ada@Example.com", "email_canonical": "ada@example.com", "email_verified": false,
            "name": "Ada Lovelace", "roles": [],
            "created_at": "2026-03-01T12:30:00Z",
        })
    );
}

#[tokio::test]
async fn sec_en_07_an_address_is_shown_as_typed_and_can_be_compared_by_its_canonical_form() {
    let server = TestServer::start().await;
    let body = json!({ "email": "Ada@ｅｘａｍｐｌｅ.com", "password": PASSWORD });
    server.post("/v1/register", &body).await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    let me = server.as_bearer(Method::GET, "/v1/me", &access).await;
    assert_eq!((me.string("email"), me.string("email_canonical")), ("Ada@ｅｘａｍｐｌｅ.com".into(), EMAIL.into()));
    let export = server.as_bearer(Method::GET, "/v1/me/export", &access).await.json();
    assert_eq!(export["profile"]["email_canonical"], EMAIL);
    assert_eq!(export["addresses"][0]["address_canonical"], EMAIL);
}

#[tokio::test]
async fn without_a_token_the_challenge_says_so() {
    let server = TestServer::start().await;
    let answer = server.get("/v1/me").await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "authentication_required"));
    assert_eq!(answer.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn sec_se_01_an_access_token_lives_five_minutes() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.clock.advance(304);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 200, "leeway is 5 seconds");
    server.clock.advance(1);
    let answer = server.as_bearer(Method::GET, "/v1/me", &access).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"));
    assert_eq!(answer.header("www-authenticate"), r#"Bearer error="invalid_token""#);
}
