//! `POST /v1/password/forgot`

use serde_json::json;

use crate::harness::{EMAIL, PASSWORD, TestServer, link_token};

async fn forgot(server: &TestServer, email: &str) -> crate::harness::Answer {
    server.post("/v1/password/forgot", &json!({ "email": email })).await
}

#[tokio::test]
async fn a_verified_account_gets_a_link_of_our_own_origin() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    let before = server.mails(EMAIL).await.len();
    let answer = forgot(&server, "ADA@example.com").await;
    assert_eq!((answer.status, answer.json()), (202, json!({ "status": "accepted" })));
    let mails = server.mails(EMAIL).await;
    assert_eq!(mails.len(), before + 1);
    let mail = mails.last().unwrap();
    // OT-06, whatever Host the request had.
    assert!(mail.text.contains(&format!("{}/ui/reset-password?token=pr_m1.", server.base)), "{}", mail.text);
    assert!(mail.html.contains(&link_token(mail)));
    // Another language, as the request's.
    let german = server.request(reqwest::Method::POST, "/v1/password/forgot").header("accept-language", "de-AT");
    server.send(german.json(&json!({ "email": EMAIL }))).await;
    assert!(server.newest_mail(EMAIL).await.subject.contains("Passwort"));
}

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_are_the_same_writes() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        server.store.reset();
        let answer = forgot(&server, email).await;
        assert_eq!(server.store.rounds(), [["UpdateItem"], ["UpdateItem"], ["UpdateItem"], ["PutItem"]], "{email}");
        answers.push((answer.status, answer.text));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(server.mails("nobody@example.com").await, []);
}

#[tokio::test]
async fn sec_en_03_a_thousand_requests_send_as_many_mails_as_are_configured() {
    let server = TestServer::with(&[("AUTH__LIMITS__RESET_ADDRESS__LIMIT", "3")]).await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    server.mails(EMAIL).await;
    server.clock.advance(3600);
    let before = server.mails(EMAIL).await.len();
    // No more at once than the server takes (SA-05).
    for _ in 0..5 {
        let requests = (0..200).map(|_| forgot(&server, EMAIL));
        let answers: Vec<_> = futures::future::join_all(requests).await;
        assert!(answers.iter().all(|answer| answer.status == 202), "the limit is not to be seen");
    }
    assert_eq!(server.mails(EMAIL).await.len() - before, 3);
    // Counted once each, and not again when the orders are delivered twice.
    server.clock.advance(3600);
    forgot(&server, EMAIL).await;
    assert_eq!(server.mails(EMAIL).await.len() - before, 4);
}

#[tokio::test]
async fn a_disabled_account_gets_nothing() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    let user = server.items(crate::harness::TABLE, "USER#").await[0]["pk"].as_s().unwrap().clone();
    let disabled = aws_sdk_dynamodb::types::AttributeValue::S("disabled".to_owned());
    server.set_attribute(&user, "PROFILE", "status", disabled).await;
    let before = server.mails(EMAIL).await.len();
    forgot(&server, EMAIL).await;
    assert_eq!(server.mails(EMAIL).await.len(), before);
}

#[tokio::test]
async fn a_bad_address_is_named() {
    let server = TestServer::start().await;
    let answer = forgot(&server, "ada@localhost").await;
    assert_eq!((answer.status, answer.fault()), (400, ("email".to_owned(), "invalid".to_owned())));
}
