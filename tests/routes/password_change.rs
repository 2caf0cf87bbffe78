//! `POST /v1/password/change`

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

async fn change(server: &TestServer, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(token);
    server.send(request.json(&body)).await
}

#[tokio::test]
async fn sec_pw_06_a_change_ends_every_other_session_and_tells_the_owner() {
    let server = TestServer::start().await;
    let (other, own) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    let before = server.mails(EMAIL).await.len();
    let answer = change(&server, &own.string("access_token"), PASSWORD, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(server.refresh(&other.string("refresh_token")).await.status, 401);
    assert_eq!(server.refresh(&own.string("refresh_token")).await.status, 200);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    let mails = server.mails(EMAIL).await;
    assert_eq!(mails.len(), before + 1);
    assert!(mails[before].subject.contains("password"), "{}", mails[before].subject);
}

#[tokio::test]
async fn sec_pw_06_a_wrong_current_password_changes_nothing_and_is_counted() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..10 {
        let answer = change(&server, &access, OTHER_PASSWORD, "lanterns over the harbour").await;
        assert_eq!((answer.status, answer.fault()), (400, ("current_password".to_owned(), "wrong".to_owned())));
    }
    // EN-01: the eleventh is not evaluated, though it is right.
    let answer = change(&server, &access, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after").is_empty()), (429, false));
}

#[tokio::test]
async fn sec_pw_05_a_weak_new_password_is_refused_before_the_current_one_costs_an_attempt() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..12 {
        let answer = change(&server, &access, PASSWORD, "tiny").await;
        assert_eq!((answer.status, answer.fault()), (400, ("new_password".to_owned(), "too_short".to_owned())));
    }
    assert_eq!(change(&server, &access, PASSWORD, OTHER_PASSWORD).await.status, 204);
}

#[tokio::test]
async fn sec_se_10_a_stale_sign_in_or_a_dead_session_changes_nothing() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(240);
    let refreshed = server.refresh(&signed_in.string("refresh_token")).await;
    server.clock.advance(61);
    // Refreshing has not renewed it.
    let stale = change(&server, &refreshed.string("access_token"), PASSWORD, OTHER_PASSWORD).await;
    assert_eq!((stale.status, stale.string("code").as_str()), (401, "insufficient_user_authentication"));
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.as_bearer(Method::POST, "/v1/logout", &access).await;
    assert_eq!(change(&server, &access, PASSWORD, OTHER_PASSWORD).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}
