//! `POST /v1/logout`

use reqwest::Method;
use serde_json::json;

use crate::harness::TestServer;

#[tokio::test]
async fn ends_the_session_of_the_refresh_token() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let body = json!({ "refresh_token": signed_in.string("refresh_token") });
    assert_eq!(server.post("/v1/logout", &body).await.status, 204);
    assert_eq!(server.refresh(&signed_in.string("refresh_token")).await.status, 401);
    let me = server.as_bearer(Method::GET, "/v1/me", &signed_in.string("access_token")).await;
    assert_eq!(me.status, 401);
    assert_eq!(server.post("/v1/logout", &body).await.status, 204, "a dead token");
}

#[tokio::test]
async fn ends_the_bearers_session_without_a_body() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let answer = server.as_bearer(Method::POST, "/v1/logout", &signed_in.string("access_token")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert_eq!(server.refresh(&signed_in.string("refresh_token")).await.status, 401);
}

#[tokio::test]
async fn an_expired_access_token_still_ends_its_own_session() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(3600);
    let answer = server.as_bearer(Method::POST, "/v1/logout", &signed_in.string("access_token")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(server.refresh(&signed_in.string("refresh_token")).await.status, 401);
}

#[tokio::test]
async fn no_token_or_a_foreign_one_is_refused() {
    let server = TestServer::start().await;
    let answer = server.send(server.request(Method::POST, "/v1/logout")).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "authentication_required"));
    let answer = server.post("/v1/logout", &json!({ "refresh_token": "rt_s1.AAAA.AAAA" })).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"));
    assert_eq!(server.as_bearer(Method::POST, "/v1/logout", "a.b.c").await.status, 401);
}

#[tokio::test]
async fn sec_ot_09_a_token_with_another_secret_ends_nothing() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let now = server.context().now;
    let ring = server.app.secrets.session_mac(now).await.unwrap();
    let token = signed_in.string("refresh_token");
    let mut forged = wardgate::crypto::sealed_token::RefreshToken::open(&token, &ring, now).unwrap();
    forged.secret = [0; 16];
    let forged = forged.seal(ring.current(now).unwrap());
    assert_eq!(server.post("/v1/logout", &json!({ "refresh_token": forged })).await.status, 204);
    assert_eq!(server.refresh(&forged).await.status, 401);
    assert_eq!(server.refresh(&token).await.status, 200, "a leaked key ended a session");
}
