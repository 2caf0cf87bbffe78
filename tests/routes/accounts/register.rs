//! `POST /v1/register`

use serde_json::json;

use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};

const VERIFIED: (&str, &str) = ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true");

#[tokio::test]
async fn answers_verification_sent_with_a_flow_token_of_its_own() {
    let server = TestServer::start().await;
    let (first, second) = (server.register(EMAIL, PASSWORD).await, server.register("bob@example.com", PASSWORD).await);
    for answer in [&first, &second] {
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert_eq!(answer.string("status"), "verification_sent");
        assert!(answer.string("flow_token").starts_with("ft_l1."));
    }
    assert_ne!(first.string("flow_token"), second.string("flow_token"));
}

#[tokio::test]
async fn in_development_the_account_exists_at_once() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    assert_eq!(server.login("ADA@Example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_en_04_a_known_address_gets_the_same_answer_and_keeps_its_password() {
    let server = TestServer::start().await;
    let (new, known) = (server.register(EMAIL, PASSWORD).await, server.register(EMAIL, OTHER_PASSWORD).await);
    assert_eq!(new.status, known.status);
    let members =
        |answer: &crate::harness::Answer| answer.json().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&new), members(&known));
    assert_eq!(new.text.len(), known.text.len());
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_en_04_known_and_unknown_addresses_cost_the_same_store_operations() {
    let server = TestServer::with(&[VERIFIED]).await;
    let taken = TestServer::start().await;
    taken.register(EMAIL, PASSWORD).await;
    for server in [&server, &taken] {
        server.store.reset();
        server.register(EMAIL, OTHER_PASSWORD).await;
        let counted = vec![["UpdateItem"]; 4];
        assert_eq!(server.store.rounds(), [counted, vec![["GetItem"], ["TransactWriteItems"]]].concat());
    }
}

#[tokio::test]
async fn sec_ot_10_before_verification_there_is_only_a_pending_registration() {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register(EMAIL, PASSWORD).await;
    server.register(EMAIL, OTHER_PASSWORD).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert_eq!(server.items(TABLE, "USER#").await.len(), 0);
    let pending = server.items(TABLE, "EMAIL#").await;
    assert_eq!(pending.len(), 2, "registering again replaced the first registration");
    assert_ne!(pending[0]["password"], pending[1]["password"]);
}

#[tokio::test]
async fn sec_ot_01_the_table_holds_no_usable_flow_token_and_no_password_hash() {
    let server = TestServer::with(&[VERIFIED]).await;
    let token = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let item = format!("{:?}", server.items(TABLE, "EMAIL#").await);
    assert!(!item.contains("argon2") && !item.contains(PASSWORD));
    assert!(token.split('.').skip(1).all(|part| !item.contains(part)), "{item}");
}

#[tokio::test]
async fn sec_pw_03_sec_pw_05_a_weak_password_is_refused_with_its_reason() {
    let server = TestServer::start().await;
    for (password, code) in [
        ("tiny".to_owned(), "too_short"),
        ("x".repeat(257), "too_long"),
        ("1234567890123456".to_owned(), "too_common"),
        ("ada-example-wardgate".to_owned(), "too_close_to_account"),
    ] {
        let answer = server.register(EMAIL, &password).await;
        assert_eq!(answer.status, 400, "{password}");
        assert_eq!(answer.fault(), ("password".to_owned(), code.to_owned()));
        assert!(!answer.text.contains(&password), "the password is echoed");
    }
}

#[tokio::test]
async fn sec_en_07_a_bad_address_or_name_is_named() {
    let server = TestServer::start().await;
    let answer = server.register("ada@localhost", PASSWORD).await;
    assert_eq!((answer.status, answer.fault().0), (400, "email".to_owned()));
    let body = json!({ "email": EMAIL, "password": PASSWORD, "name": "Ada\nBcc: x" });
    let answer = server.post("/v1/register", &body).await;
    assert_eq!((answer.status, answer.fault().0), (400, "name".to_owned()));
}

#[tokio::test]
async fn sec_en_02_registrations_of_one_address_and_from_one_source_are_limited() {
    let server = TestServer::with(&[("AUTH__LIMITS__REGISTER_ADDRESS__LIMIT", "2")]).await;
    for expected in [202, 202, 429] {
        assert_eq!(server.register(EMAIL, PASSWORD).await.status, expected);
    }
    assert_eq!(server.register("bob@example.com", PASSWORD).await.status, 202);
    server.clock.advance(3600);
    assert_eq!(server.register(EMAIL, PASSWORD).await.status, 202);

    let server = TestServer::with(&[("AUTH__LIMITS__REGISTER_SOURCE__LIMIT", "2")]).await;
    for (email, expected) in [("a@example.com", 202), ("b@example.com", 202), ("c@example.com", 429)] {
        let answer = server.register(email, PASSWORD).await;
        assert_eq!(answer.status, expected);
        assert_eq!(answer.header("retry-after").is_empty(), expected != 429);
    }
}
