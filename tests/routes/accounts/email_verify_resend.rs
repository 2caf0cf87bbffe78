//! `POST /v1/email/verify/resend`

use serde_json::json;

use crate::harness::mailbox::code;
use crate::harness::mailed::VERIFIED;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

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
    let answer = server.post("/v1/email/verify/resend", &json!({ "email": EMAIL, "flow_token": "rt_1.a.b" })).await;
    assert_eq!((answer.status, answer.fault().0.as_str()), (400, "flow_token"));
}

#[tokio::test]
async fn sec_ot_11_a_strangers_later_registration_does_not_take_the_mail_that_the_owner_asks_for_again() {
    let server = TestServer::with(&[VERIFIED]).await;
    let owner = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let first = server.newest_mail(EMAIL).await;
    server.clock.advance(1);
    let stranger = server.register(EMAIL, OTHER_PASSWORD).await.string("flow_token");
    let strangers = server.newest_mail(EMAIL).await;
    server.clock.advance(1);
    let resend = async |flow: &str| {
        let before = server.mails(EMAIL).await.len();
        server.post("/v1/email/verify/resend", &json!({ "email": EMAIL, "flow_token": flow })).await;
        let mails = server.mails(EMAIL).await;
        assert_eq!(mails.len(), before + 1);
        mails[before].clone()
    };
    assert_eq!(code(&resend(&owner).await), code(&first));
    assert_eq!(code(&resend(&stranger).await), code(&strangers));
    let body = json!({ "email": EMAIL, "code": code(&first), "flow_token": owner });
    assert_eq!(server.post("/v1/email/verify", &body).await.status, 200);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    // A flow that is over has nothing to be mailed again.
    let before = server.mails(EMAIL).await.len();
    server.post("/v1/email/verify/resend", &json!({ "email": EMAIL, "flow_token": stranger })).await;
    assert_eq!(server.mails(EMAIL).await.len(), before);
}
