//! `DELETE /v1/me`

use reqwest::Method;

use crate::harness::{AUDIT_TABLE, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

#[tokio::test]
async fn sec_se_04_every_session_is_dead_at_once_and_nobody_signs_in() {
    let server = TestServer::start().await;
    let other = server.signed_in().await;
    let caller = server.login(EMAIL, PASSWORD).await;
    let answer = server.as_bearer(Method::DELETE, "/v1/me", &caller.string("access_token")).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    assert_eq!(answer.string("status"), "deletion_scheduled");
    assert_eq!(answer.string("erase_at"), "2026-03-15T12:30:00Z");
    for session in [&other, &caller] {
        assert_eq!(server.refresh(&session.string("refresh_token")).await.status, 401);
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", &session.string("access_token")).await.status, 401);
    }
    let again = server.as_bearer(Method::DELETE, "/v1/me", &caller.string("access_token")).await;
    assert_eq!(again.status, 401);
    assert_eq!(server.items(TABLE, "ERASURE").await.len(), 1);
}

#[tokio::test]
async fn sec_en_04_a_sign_in_to_a_leaving_account_equals_a_wrong_password() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let wrong = server.login(EMAIL, OTHER_PASSWORD).await;
    server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    server.store.reset();
    let right = server.login(EMAIL, PASSWORD).await;
    assert_eq!((right.status, wrong.status), (401, 401));
    assert_eq!(
        server.store.rounds(),
        [vec!["GetItem", "UpdateItem"], vec!["UpdateItem"], vec!["UpdateItem"], vec!["PutItem"]]
    );
    let body = |answer: &crate::harness::Answer| {
        let mut body = answer.json();
        body["request_id"].take();
        body
    };
    assert_eq!(body(&right), body(&wrong));
}

#[tokio::test]
async fn sec_se_10_needs_a_recent_sign_in_which_no_refresh_is() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(301);
    let access = server.refresh(&signed_in.string("refresh_token")).await.string("access_token");
    let answer = server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "insufficient_user_authentication"));
    assert!(answer.header("www-authenticate").contains("insufficient_user_authentication"));
    assert_eq!(server.items(TABLE, "ERASURE").await.len(), 0);
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/me", &access).await.status, 202);
}

#[tokio::test]
async fn sec_pl_03_a_deletion_is_recorded_in_its_own_transaction() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.store.reset();
    server.as_bearer(Method::DELETE, "/v1/me", &signed_in.string("access_token")).await;
    assert_eq!(server.store.rounds(), [vec!["GetItem", "GetItem"], vec!["TransactWriteItems"]]);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    let line = lines.iter().find(|line| line["action"].as_s().unwrap() == "deletion_requested").unwrap();
    assert_eq!(line["session"].as_s().unwrap(), &signed_in.string("session_id"));
    assert_eq!(line["address"].as_s().unwrap(), "127.0.0.1");
}

#[tokio::test]
async fn parallel_deletions_are_one() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let deletions = (0..5).map(|_| server.as_bearer(Method::DELETE, "/v1/me", &access));
    let statuses: Vec<u16> = futures::future::join_all(deletions).await.iter().map(|answer| answer.status).collect();
    assert!(statuses.contains(&202) && statuses.iter().all(|status| [202, 401].contains(status)), "{statuses:?}");
    assert_eq!(server.items(TABLE, "ERASURE").await.len(), 1);
    let mails = server.items(TABLE, "EMAIL#").await;
    let mails = mails.iter().filter(|item| item["sk"].as_s().unwrap().starts_with("ONE_TIME#keep_account"));
    assert_eq!(mails.count(), 1);
}
