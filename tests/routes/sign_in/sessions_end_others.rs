//! `DELETE /v1/sessions`

use reqwest::Method;

use crate::harness::{EMAIL, PASSWORD, TestServer};

#[tokio::test]
async fn sec_se_04_ends_all_others_with_one_write_and_spares_the_caller() {
    let server = TestServer::start().await;
    let others = [server.signed_in().await, server.login(EMAIL, PASSWORD).await];
    let caller = server.login(EMAIL, PASSWORD).await;
    server.clock.advance(1);
    server.store.reset();
    let answer = server.as_bearer(Method::DELETE, "/v1/sessions", &caller.string("access_token")).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
    assert_eq!(server.store.rounds(), [vec!["GetItem", "GetItem"], vec!["TransactWriteItems"]]);
    for other in &others {
        assert_eq!(server.refresh(&other.string("refresh_token")).await.status, 401);
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", &other.string("access_token")).await.status, 401);
    }
    assert_eq!(server.refresh(&caller.string("refresh_token")).await.status, 200);
    let list = server.as_bearer(Method::GET, "/v1/sessions", &caller.string("access_token")).await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn sec_se_04_a_session_spared_once_is_not_spared_by_another() {
    let server = TestServer::start().await;
    let first = server.signed_in().await;
    server.clock.advance(1);
    server.as_bearer(Method::DELETE, "/v1/sessions", &first.string("access_token")).await;
    server.clock.advance(1);
    let second = server.login(EMAIL, PASSWORD).await;
    assert_eq!(second.status, 200, "signing in again must work: {}", second.text);
    server.clock.advance(1);
    server.as_bearer(Method::DELETE, "/v1/sessions", &second.string("access_token")).await;
    assert_eq!(server.refresh(&first.string("refresh_token")).await.status, 401);
    assert_eq!(server.refresh(&second.string("refresh_token")).await.status, 200);
}
