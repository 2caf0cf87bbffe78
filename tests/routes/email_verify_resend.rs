//! `POST /v1/email/verify/resend`

use serde_json::json;

use crate::harness::mailed::VERIFIED;
use crate::harness::{EMAIL, PASSWORD, TestServer};

#[tokio::test]
async fn sec_en_04_every_address_gets_the_same_answer_for_the_same_writes() {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register("waiting@example.com", PASSWORD).await;
    server.register_verified(EMAIL, PASSWORD).await;
    let mut seen = Vec::new();
    for email in ["waiting@example.com", EMAIL, "nobody@example.com"] {
        server.store.reset();
        let answer = server.post("/v1/email/verify/resend", &json!({ "email": email })).await;
        assert_eq!((answer.status, answer.json()), (202, json!({ "status": "accepted" })));
        let rounds = server.store.rounds();
        let items = server.beside(email, "ONE_TIME#resend#").await;
        let mut members: Vec<_> = items[0].keys().cloned().collect();
        members.sort();
        seen.push((rounds, items.len(), members));
    }
    assert_eq!(seen[0].0, [["UpdateItem"], ["UpdateItem"], ["UpdateItem"], ["PutItem"]]);
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test]
async fn a_bad_address_is_named() {
    let server = TestServer::start().await;
    let answer = server.post("/v1/email/verify/resend", &json!({ "email": "nonsense" })).await;
    assert_eq!((answer.status, answer.fault().0.as_str()), (400, "email"));
}
