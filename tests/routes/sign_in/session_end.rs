//! `DELETE /v1/sessions/{id}`

use reqwest::Method;

use crate::harness::{EMAIL, PASSWORD, TestServer};

#[tokio::test]
async fn ends_that_session_and_no_other() {
    let server = TestServer::start().await;
    let (phone, laptop) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    let path = format!("/v1/sessions/{}", phone.string("session_id"));
    let access = laptop.string("access_token");
    assert_eq!(server.as_bearer(Method::DELETE, &path, &access).await.status, 204);
    assert_eq!(server.refresh(&phone.string("refresh_token")).await.status, 401);
    assert_eq!(server.refresh(&laptop.string("refresh_token")).await.status, 200);
    assert_eq!(server.as_bearer(Method::DELETE, &path, &access).await.status, 404, "it has ended before");
}

#[tokio::test]
async fn another_persons_session_is_not_found_and_lives_on() {
    let server = TestServer::start().await;
    let victim = server.signed_in().await;
    server.register("mallory@example.com", PASSWORD).await;
    let mallory = server.login("mallory@example.com", PASSWORD).await.string("access_token");
    let path = format!("/v1/sessions/{}", victim.string("session_id"));
    let answer = server.as_bearer(Method::DELETE, &path, &mallory).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (404, "not_found"));
    assert_eq!(server.refresh(&victim.string("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn what_is_no_id_names_no_session() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for id in ["nonsense", "usr_00000000000000000000000000", "ses_", "%00", "ses_0%2F..%2F1"] {
        assert_eq!(server.as_bearer(Method::DELETE, &format!("/v1/sessions/{id}"), &access).await.status, 404, "{id}");
    }
}

#[tokio::test]
async fn who_asks_matters_before_what_is_asked_for() {
    let server = TestServer::start().await;
    let answer = server.send(server.request(Method::DELETE, "/v1/sessions/nonsense")).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "authentication_required"));
}

#[tokio::test]
async fn sec_se_10_a_dead_session_cannot_end_others() {
    let server = TestServer::start().await;
    let (dead, live) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    let dead_access = dead.string("access_token");
    server.as_bearer(Method::POST, "/v1/logout", &dead_access).await;
    let path = format!("/v1/sessions/{}", live.string("session_id"));
    assert_eq!(server.as_bearer(Method::DELETE, &path, &dead_access).await.status, 401);
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/sessions", &dead_access).await.status, 401);
    assert_eq!(server.refresh(&live.string("refresh_token")).await.status, 200);
}
