//! That what happens is counted, by real requests.

use std::collections::BTreeSet;

use super::emitted::Recording;
use crate::harness::secrets_manager::Mood;
use crate::harness::store_edge::Disturbance;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

const QUICK: [(&str, &str); 3] = [
    ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "250"),
    ("AUTH__AWS__OPERATION_TIMEOUT_MS", "4000"),
    ("AUTH__AWS__MAX_ATTEMPTS", "2"),
];

/// What was counted under a name while `drive` ran: the values of a label. Everything of a test runs in its own thread.
async fn counted(name: &str, label: &str, drive: impl AsyncFnOnce()) -> BTreeSet<String> {
    let recording = Recording::default();
    let guard = metrics::set_default_local_recorder(&recording);
    drive().await;
    drop(guard);
    let keys = recording.keys();
    let named = keys.iter().filter(|key| key.name() == name);
    named.flat_map(|key| key.labels().filter(|it| it.key() == label).map(|it| it.value().to_owned())).collect()
}

fn set(values: &[&str]) -> BTreeSet<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// Both kinds of typed codes: what the alarm on guessing adds up.
#[tokio::test]
async fn sec_ot_11_wrong_codes_of_both_kinds_are_counted() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let verifications = counted("wardgate_verifications_total", "outcome", async || {
        assert_eq!(server.verify_code(EMAIL, "00000000", Some("none")).await.status, 400);
        assert_eq!(server.verify_link("ml_none", None).await.status, 400);
    });
    assert_eq!(verifications.await, set(&["invalid_code", "invalid_link"]));
    let sign_ins = counted("wardgate_sign_ins_total", "outcome", async || {
        let body = serde_json::json!({ "email": EMAIL, "code": "ABCDEFGH", "flow_token": "none" });
        server.post("/v1/login/email-code/verify", &body).await;
    });
    assert_eq!(sign_ins.await, set(&["invalid_code"]));
}

#[tokio::test]
async fn sign_ins_are_counted_by_how_they_end() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let sign_ins = counted("wardgate_sign_ins_total", "outcome", async || {
        server.login(EMAIL, OTHER_PASSWORD).await;
        server.login(EMAIL, PASSWORD).await;
    });
    assert_eq!(sign_ins.await, set(&["invalid_credentials", "signed_in"]));
}

#[tokio::test]
async fn a_table_that_does_not_answer_is_counted_and_one_that_refuses_is_not() {
    let server = TestServer::with(&QUICK).await;
    server.register(EMAIL, PASSWORD).await;
    let refused = counted("wardgate_store_errors_total", "operation", async || {
        // The second registration of an address fails its condition, and so does the second failure of a minute.
        server.register(EMAIL, PASSWORD).await;
        server.login(EMAIL, OTHER_PASSWORD).await;
        server.login(EMAIL, OTHER_PASSWORD).await;
    });
    assert_eq!(refused.await, set(&[]));
    for disturbance in [Disturbance::ServerError, Disturbance::Timeout] {
        let unanswered = counted("wardgate_store_errors_total", "operation", async || {
            server.store.disturb("TransactWriteItems", disturbance, 2);
            assert_eq!(server.login(EMAIL, PASSWORD).await.status, 503);
        });
        assert_eq!(unanswered.await, set(&["TransactWriteItems"]), "{disturbance:?}");
    }
    // A retry helped: people were answered.
    let helped = counted("wardgate_store_errors_total", "operation", async || {
        server.store.disturb("TransactWriteItems", Disturbance::ServerError, 1);
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    });
    assert_eq!(helped.await, set(&[]));
}

#[tokio::test]
async fn rings_that_cannot_be_read_again_are_counted() {
    let server = TestServer::with_secrets_manager(&QUICK).await;
    let token = server.signed_in().await.string("refresh_token");
    server.secrets_manager.set(Mood::Down);
    server.clock.advance(3599);
    let recording = Recording::default();
    let guard = metrics::set_default_local_recorder(&recording);
    assert_eq!(server.refresh(&token).await.status, 200);
    drop(guard);
    assert!(recording.keys().iter().any(|key| key.name() == "wardgate_secrets_stale_total"));
}

#[tokio::test]
async fn a_ring_that_is_read_says_how_old_it_is() {
    let server = TestServer::with_secrets_manager(&[]).await;
    let rings = counted("wardgate_key_age_seconds", "ring", async || {
        server.signed_in().await;
    });
    let rings = rings.await;
    for ring in ["login_mac", "password_wrap", "session_mac", "signing"] {
        assert!(rings.contains(ring), "{ring}: {rings:?}");
    }
}
