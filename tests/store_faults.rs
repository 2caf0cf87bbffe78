//! The store in trouble: retried within the deadline, then 503 and Retry-After, and never half-written.

use crate::harness::store_edge::Disturbance;
use crate::harness::{AUDIT_TABLE, EMAIL, PASSWORD, TABLE, TestServer};

/// Short enough to wait for, since a lost answer is noticed by its time-out alone.
const QUICK: [(&str, &str); 3] = [
    ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "250"),
    ("AUTH__AWS__OPERATION_TIMEOUT_MS", "4000"),
    ("AUTH__AWS__MAX_ATTEMPTS", "3"),
];

const TEMPORARY: [Disturbance; 5] = [
    Disturbance::TransactionConflict,
    Disturbance::Throttled,
    Disturbance::ServerError,
    Disturbance::Timeout,
    Disturbance::LostAnswer,
];

#[tokio::test]
async fn a_registration_survives_what_is_temporary() {
    for disturbance in TEMPORARY {
        let server = TestServer::with(&QUICK).await;
        server.store.disturb("TransactWriteItems", disturbance, 2);
        let answer = server.register(EMAIL, PASSWORD).await;
        assert_eq!(answer.status, 202, "{disturbance:?}: {}", answer.text);
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200, "{disturbance:?}");
        assert_eq!(server.items(TABLE, "USER#").await.len(), 2, "{disturbance:?}: a user and a session");
    }
}

#[tokio::test]
async fn a_sign_in_survives_what_is_temporary_and_starts_one_session() {
    for disturbance in TEMPORARY {
        let server = TestServer::with(&QUICK).await;
        server.register(EMAIL, PASSWORD).await;
        server.store.disturb("TransactWriteItems", disturbance, 2);
        let answer = server.login(EMAIL, PASSWORD).await;
        assert_eq!(answer.status, 200, "{disturbance:?}: {}", answer.text);
        assert_eq!(server.refresh(&answer.string("refresh_token")).await.status, 200, "{disturbance:?}");
        let sessions = server.items(TABLE, "USER#").await.into_iter().filter(|item| item.contains_key("generation"));
        assert_eq!(sessions.count(), 1, "{disturbance:?}");
    }
}

#[tokio::test]
async fn sec_se_02_a_refresh_whose_answer_was_lost_gets_the_same_successor() {
    let server = TestServer::with(&QUICK).await;
    let token = server.signed_in().await.string("refresh_token");
    server.store.disturb("UpdateItem", Disturbance::LostAnswer, 1);
    let first = server.refresh(&token).await;
    assert_eq!(first.status, 200, "{}", first.text);
    assert_eq!(server.refresh(&token).await.string("refresh_token"), first.string("refresh_token"));
}

#[tokio::test]
async fn what_does_not_go_away_is_503_with_retry_after_and_nothing_is_half_written() {
    for disturbance in TEMPORARY {
        let server = TestServer::with(&QUICK).await;
        if disturbance != Disturbance::LostAnswer {
            server.store.disturb("TransactWriteItems", disturbance, 3);
            let answer = server.register(EMAIL, PASSWORD).await;
            assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{disturbance:?}");
            assert_eq!(answer.string("code"), "temporarily_unavailable");
            assert_eq!(server.items(TABLE, "USER#").await.len(), 0, "{disturbance:?}");
            assert_eq!(server.items(TABLE, "EMAIL#").await.len(), 0, "{disturbance:?}");
            assert_eq!(server.items(AUDIT_TABLE, "").await.len(), 0, "{disturbance:?}");
        }
        assert_eq!(server.register(EMAIL, PASSWORD).await.status, 202, "{disturbance:?}");
    }
}

#[tokio::test]
async fn a_transaction_lost_each_time_still_happened_once() {
    let server = TestServer::with(&QUICK).await;
    server.store.disturb("TransactWriteItems", Disturbance::LostAnswer, 3);
    assert_eq!(server.register(EMAIL, PASSWORD).await.status, 503);
    assert_eq!(server.items(TABLE, "USER#").await.len(), 1);
    assert_eq!(server.items(AUDIT_TABLE, "").await.len(), 1);
    assert_eq!(server.register(EMAIL, PASSWORD).await.status, 202);
    assert_eq!(server.items(TABLE, "USER#").await.len(), 1);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_request_that_would_take_too_long_is_answered_at_its_deadline() {
    let deadline = [("AUTH__HTTP__REQUEST_DEADLINE_MS", "300"), ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "30000")];
    let server = TestServer::with(&deadline).await;
    server.store.disturb("GetItem", Disturbance::Timeout, 1);
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
}

#[tokio::test]
async fn a_missing_right_is_our_fault_and_not_worth_a_retry() {
    let server = TestServer::with(&QUICK).await;
    server.store.disturb("GetItem", Disturbance::AccessDenied, 1);
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (500, "internal_error"));
    assert!(!answer.text.contains("AccessDenied"), "the cause is for the log");
}

#[tokio::test]
async fn without_keys_the_answer_is_503_and_nothing_is_written() {
    let server = TestServer::start().await;
    std::fs::remove_file(&server.key_file).unwrap();
    server.store.reset();
    for answer in [server.register(EMAIL, PASSWORD).await, server.login(EMAIL, PASSWORD).await] {
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.text);
    }
    assert_eq!(server.store.count(), 0);
}

#[tokio::test]
async fn malformed_keys_are_our_fault_and_never_shown() {
    let server = TestServer::start().await;
    std::fs::write(&server.key_file, r#"{"session_mac":{"keys":[{"kid":"s3cret"}]}}"#).unwrap();
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!(answer.status, 500);
    assert!(!answer.text.contains("s3cret"));
}

#[tokio::test]
async fn a_sign_in_or_refresh_that_could_not_be_signed_writes_nothing() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    let mut keys: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&server.key_file).unwrap()).unwrap();
    for ring in ["signing", "public_keys"] {
        for key in keys[ring]["keys"].as_array_mut().unwrap() {
            key["sign_until"] = 0.into();
        }
    }
    std::fs::write(&server.key_file, keys.to_string()).unwrap();
    server.clock.advance(601);
    // What operators have set is read again by now, and is no write.
    server.get("/.well-known/openid-configuration").await;
    server.store.reset();
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 503);
    assert_eq!(server.refresh(&token).await.status, 503);
    assert_eq!(server.store.count(), 0);
    assert_eq!(server.get("/ready").await.status, 503);
}

#[tokio::test]
async fn sec_tk_04_a_key_past_its_publication_verifies_nothing_even_from_the_cache() {
    let server = TestServer::start().await;
    let mut keys: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&server.key_file).unwrap()).unwrap();
    let end = server.context().now.millis() + 100_000;
    for key in keys["public_keys"]["keys"].as_array_mut().unwrap() {
        key["publish_until"] = end.into();
    }
    std::fs::write(&server.key_file, keys.to_string()).unwrap();
    let access = server.signed_in().await.string("access_token");
    let me = async || server.as_bearer(reqwest::Method::GET, "/v1/me", &access).await.status;
    server.clock.advance_millis(99_999);
    assert_eq!(me().await, 200);
    server.clock.advance_millis(1);
    assert_eq!(me().await, 401);
}

#[tokio::test]
async fn a_sign_in_whose_attempt_cannot_be_given_back_is_still_answered() {
    let server = TestServer::with(&QUICK).await;
    server.register(EMAIL, PASSWORD).await;
    let held = server.store.hold("TransactWriteItems");
    let (answer, ()) = futures::join!(server.login(EMAIL, PASSWORD), async {
        held.reached().await;
        server.store.disturb("UpdateItem", Disturbance::Throttled, 6);
        server.store.disturb("Query", Disturbance::Throttled, 3);
        held.release();
    });
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(server.refresh(&answer.string("refresh_token")).await.status, 200);
}
