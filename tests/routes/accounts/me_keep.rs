//! `POST /v1/me/keep`

use reqwest::Method;
use serde_json::json;
use wardgate::domain::one_time::Purpose;

use crate::harness::{AUDIT_TABLE, Answer, EMAIL, PASSWORD, START, TABLE, TestServer};

const GRACE: i64 = 14 * 86_400;

/// A server with an account that leaves, and the link that keeps it.
async fn leaving() -> (TestServer, Answer, String) {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.as_bearer(Method::DELETE, "/v1/me", &signed_in.string("access_token")).await;
    let token = server.last_mailed(EMAIL, Purpose::KeepAccount).await.token;
    (server, signed_in, token)
}

async fn keep(server: &TestServer, token: &str) -> Answer {
    server.post("/v1/me/keep", &json!({ "token": token })).await
}

#[tokio::test]
async fn keeps_the_account_and_signs_nobody_in() {
    let (server, signed_in, token) = leaving().await;
    server.clock.set(START);
    server.clock.advance(GRACE - 1);
    let answer = keep(&server, &token).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "account_kept" })));
    assert_eq!(server.refresh(&signed_in.string("refresh_token")).await.status, 401, "old sessions stay dead");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert_eq!(server.items(TABLE, "ERASURE").await.len(), 0);
    server.clock.advance(10);
    assert_eq!(eraser_run(&server).await, 0);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

async fn eraser_run(server: &TestServer) -> u32 {
    wardgate::use_cases::eraser::erase_accounts(&server.app, "test").await.unwrap()
}

#[tokio::test]
async fn sec_ot_02_works_once_even_in_parallel() {
    let (server, _, token) = leaving().await;
    let statuses = futures::future::join_all((0..5).map(|_| keep(&server, &token))).await;
    let kept = statuses.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(kept, 1);
    let lost = statuses.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!((lost.status, lost.string("code").as_str()), (400, "invalid_link"));
}

#[tokio::test]
async fn sec_ot_03_ends_with_the_time_of_grace_whatever_still_lies_there() {
    let (server, _, token) = leaving().await;
    server.clock.advance(GRACE);
    let answer = keep(&server, &token).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (400, "invalid_link"));
}

#[tokio::test]
async fn sec_ot_01_a_forged_link_costs_no_request_and_another_purposes_does_nothing() {
    let (server, _, token) = leaving().await;
    server.store.reset();
    for forged in [token.replacen("ka_", "pr_", 1), format!("{token}A"), "ka_x.y.z".to_owned(), String::new()] {
        assert_eq!(keep(&server, &forged).await.status, 400);
    }
    assert_eq!(server.store.count(), 0);
    assert_eq!(keep(&server, &token).await.status, 200);
}

/// The link of a deletion that was undone does not undo the next one.
#[tokio::test]
async fn sec_se_04_a_link_is_bound_to_its_own_deletion() {
    let (server, _, first) = leaving().await;
    keep(&server, &first).await;
    server.clock.advance(1);
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.as_bearer(Method::DELETE, "/v1/me", &access).await;
    assert_eq!(keep(&server, &first).await.status, 400);
    let second = server.last_mailed(EMAIL, Purpose::KeepAccount).await.token;
    assert_eq!(keep(&server, &second).await.status, 200);
}

#[tokio::test]
async fn sec_pl_03_keeping_is_recorded_in_its_own_transaction() {
    let (server, _, token) = leaving().await;
    server.store.reset();
    keep(&server, &token).await;
    assert_eq!(server.store.rounds(), [vec!["GetItem"], vec!["GetItem"], vec!["TransactWriteItems"]]);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    let line = lines.iter().find(|line| line["action"].as_s().unwrap() == "deletion_cancelled").unwrap();
    assert_eq!(line["address"].as_s().unwrap(), "127.0.0.1");
}
