//! `POST /v1/email/change/undo`

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::one_time::Purpose;
use wardgate::use_cases::accounts::password_reset::password_reset;

use crate::harness::mailed::VERIFIED;
use crate::harness::{AUDIT_TABLE, Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, code, link_token};

const TAKEN_TO: &str = "mallory@evil.example";
const FURTHER: &str = "mallory2@evil.example";

async fn moved() -> (TestServer, String) {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register_verified(EMAIL, PASSWORD).await;
    server.move_address(EMAIL, PASSWORD, TAKEN_TO).await;
    let token = server.last_mailed(EMAIL, Purpose::EmailUndo).await.token;
    (server, token)
}

async fn undo(server: &TestServer, token: &str) -> Answer {
    let answer = server.post("/v1/email/change/undo", &json!({ "token": token })).await;
    server.step();
    answer
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status, answer.string("code").as_str()), (400, "invalid_link"), "{}", answer.text);
}

/// Asks for a reset and follows the mail, which the mailer binds to the account.
async fn reset(server: &TestServer, email: &str, password: &str) -> bool {
    use aws_sdk_dynamodb::types::AttributeValue;
    server.step();
    let email = wardgate::domain::email::Email::parse(email).unwrap();
    let context = server.context();
    wardgate::use_cases::accounts::password_forgot::password_forgot(&server.app, &context, &email, None).await.unwrap();
    let Some(credential) = server.app.store.read_credential(&email.key()).await.unwrap() else { return false };
    let mail = server.last_mailed(email.canonical(), Purpose::PasswordReset).await;
    let (id, version) = (credential.user_id.to_string(), credential.cred_version.to_string());
    server.set_attribute(&mail.pk, &mail.sk, "user_id", AttributeValue::S(id)).await;
    server.set_attribute(&mail.pk, &mail.sk, "cred_version", AttributeValue::N(version)).await;
    password_reset(&server.app, &server.context(), &mail.token, password).await.is_ok()
}

#[tokio::test]
async fn sec_ot_12_undo_after_takeover_brings_the_account_back_and_locks_everybody_out() {
    let (server, token) = moved().await;
    // Whoever took the account makes themselves at home: another password, another session, another address.
    assert!(reset(&server, TAKEN_TO, OTHER_PASSWORD).await);
    server.move_address(TAKEN_TO, OTHER_PASSWORD, FURTHER).await;
    let session = server.login(FURTHER, OTHER_PASSWORD).await;
    server.step();
    let answer = undo(&server, &token).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "status": "email_change_undone" })));
    assert_eq!(server.refresh(&session.string("refresh_token")).await.status, 401);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &session.string("access_token")).await.status, 401);
    for email in [EMAIL, TAKEN_TO, FURTHER] {
        for password in [PASSWORD, OTHER_PASSWORD] {
            assert_eq!(server.login(email, password).await.status, 401, "{email}");
        }
    }
    // The address between could take it away again with its own link, if going back had not given it up.
    refused(&undo(&server, &server.last_mailed(TAKEN_TO, Purpose::EmailUndo).await.token).await);
    assert!(!reset(&server, TAKEN_TO, OTHER_PASSWORD).await);
    assert!(!reset(&server, FURTHER, OTHER_PASSWORD).await);
    assert!(reset(&server, EMAIL, PASSWORD).await);
    server.step();
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.string("email"), EMAIL);
    let lines = server.items(AUDIT_TABLE, "USER#").await;
    assert!(lines.iter().any(|line| line["action"].as_s().unwrap() == "email_change_undone"));
}

#[tokio::test]
async fn sec_ot_12_undoing_a_later_change_first_does_not_end_the_first_owners_undo() {
    let (server, token) = moved().await;
    server.move_address(TAKEN_TO, PASSWORD, FURTHER).await;
    let between = server.last_mailed(TAKEN_TO, Purpose::EmailUndo).await.token;
    assert_eq!(undo(&server, &between).await.status, 200);
    assert_eq!(undo(&server, &token).await.status, 200);
    assert!(reset(&server, EMAIL, OTHER_PASSWORD).await);
    assert_eq!(server.beside(TAKEN_TO, "CREDENTIAL").await.len(), 0);
}

#[tokio::test]
async fn sec_ot_12_the_address_that_is_given_up_can_be_registered() {
    let (server, token) = moved().await;
    assert_eq!(undo(&server, &token).await.status, 200);
    server.register_verified(TAKEN_TO, OTHER_PASSWORD).await;
    assert_eq!(server.login(TAKEN_TO, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_12_seven_days_and_not_a_millisecond_longer() {
    // Moving stepped the clock once since.
    for (advance, expected) in [(7 * 86_400_000 - 2, 200), (7 * 86_400_000 - 1, 400)] {
        let (server, token) = moved().await;
        server.clock.advance_millis(advance);
        assert_eq!(undo(&server, &token).await.status, expected, "{advance}");
    }
}

#[tokio::test]
async fn sec_ot_12_after_seven_days_the_next_owner_of_the_address_keeps_it() {
    let (server, token) = moved().await;
    server.clock.advance(7 * 86_400);
    server.register_verified(EMAIL, OTHER_PASSWORD).await;
    refused(&undo(&server, &token).await);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    assert_eq!(server.login(TAKEN_TO, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_02_an_undo_works_once_and_its_link_is_dead_after_another_move() {
    let (server, token) = moved().await;
    let body = json!({ "token": token });
    let answers = join_all((0..20).map(|_| server.post("/v1/email/change/undo", &body))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    answers.iter().filter(|answer| answer.status != 200).for_each(refused);
    assert!(reset(&server, EMAIL, OTHER_PASSWORD).await);
    server.move_address(EMAIL, OTHER_PASSWORD, FURTHER).await;
    refused(&undo(&server, &token).await);
    assert_eq!(server.login(FURTHER, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_ot_12_undo_wins_against_a_password_that_is_set_at_the_same_time() {
    for _ in 0..5 {
        let (server, token) = moved().await;
        let (undone, _) = futures::join!(undo(&server, &token), reset(&server, TAKEN_TO, OTHER_PASSWORD));
        assert_eq!(undone.status, 200, "{}", undone.text);
        for email in [EMAIL, TAKEN_TO] {
            assert_eq!(server.login(email, OTHER_PASSWORD).await.status, 401, "{email}");
        }
    }
}

#[tokio::test]
async fn sec_ot_12_undo_racing_a_further_move_still_brings_the_account_back() {
    for _ in 0..5 {
        let (server, token) = moved().await;
        let access = server.login(TAKEN_TO, PASSWORD).await.string("access_token");
        server.ask_for_address(&access, FURTHER, PASSWORD).await;
        let further = server.last_mailed(FURTHER, Purpose::EmailChange).await.token;
        let body = json!({ "token": further });
        let (undone, _) = futures::join!(undo(&server, &token), server.post("/v1/email/change/confirm", &body));
        assert_eq!(undone.status, 200, "{}", undone.text);
        for email in [TAKEN_TO, FURTHER] {
            assert_eq!(server.beside(email, "CREDENTIAL").await.len(), 0, "{email}");
        }
        assert!(reset(&server, EMAIL, OTHER_PASSWORD).await);
    }
}

#[tokio::test]
async fn sec_ot_09_a_forged_token_costs_nothing() {
    let (server, token) = moved().await;
    for forged in ["", "cu_m1.AAAA.AAAA", &token.replacen("cu_", "cc_", 1)] {
        server.store.reset();
        refused(&undo(&server, forged).await);
        assert_eq!(server.store.count(), 0);
    }
}

/// The whole way by the mails that people get.
#[tokio::test]
async fn sec_ot_12_the_mails_lead_to_another_address_and_back() {
    let server = TestServer::with(&[VERIFIED]).await;
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let code = code(&server.mails(EMAIL).await[0]);
    assert_eq!(server.verify_code(EMAIL, &code, Some(&flow)).await.string("status"), "verified");
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.ask_for_address(&access, FURTHER, PASSWORD).await;
    let link = link_token(&server.mails(FURTHER).await[0]);
    server.step();
    let moved = server.post("/v1/email/change/confirm", &json!({ "token": link })).await;
    assert_eq!(moved.string("status"), "email_changed");
    let link = link_token(server.mails(EMAIL).await.last().unwrap());
    assert_eq!(undo(&server, &link).await.string("status"), "email_change_undone");
    assert_eq!(server.login(FURTHER, PASSWORD).await.status, 401);
    // Where a password is required, the answer has the token, and no mail goes out.
    server.register("bob@example.com", PASSWORD).await;
    let link = link_token(&server.mails("bob@example.com").await[0]);
    let reset_token = server.verify_link(&link, None).await.string("reset_token");
    assert_eq!(server.mails("bob@example.com").await.len(), 1);
    let body = json!({ "token": reset_token, "new_password": OTHER_PASSWORD });
    assert_eq!(server.post("/v1/password/reset", &body).await.status, 200);
    server.step();
    assert_eq!(server.login("bob@example.com", OTHER_PASSWORD).await.status, 200);
}
