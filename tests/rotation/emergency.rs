//! Taking keys out of use at once, and who accepts them for how long (docs/operations/rotation.md).

use super::*;
use crate::rotation::crashes::kids_everywhere;

#[tokio::test]
async fn sec_tk_04_a_retired_signing_key_leaves_at_once_and_a_fresh_one_signs() {
    let server = server().await;
    let access = server.signed_in().await.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 200);
    let kid = kid_of(&access);
    let answer = retire(&server.app, "signing", &kid).await.unwrap();
    assert_eq!(answer["retired"], json!([kid]));
    assert!(!kids_everywhere(&server).contains(&kid));
    assert_whole(&server);
    assert_ne!(signer(&server), kid);
    // Who reads the keys now refuses it.
    let fresh = server.restarted().await;
    assert_eq!(fresh.as_bearer(Method::GET, "/v1/me", &access).await.status, 401);
    assert!(!fresh.get("/.well-known/jwks.json").await.text.contains(&kid));
    assert_serves(&server).await;
    // Who has read them before refuses it once its copy is twice secrets.cache_seconds old, at the latest.
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 200);
    let forged_later = server.login(EMAIL, PASSWORD).await;
    assert_eq!(kid_of(&forged_later.string("access_token")), kid, "its own copy of the ring signs on as long");
    server.clock.advance(2 * 300);
    let signed = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_ne!(kid_of(&signed), kid);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &signed).await.status, 200);
    assert!(!server.get("/.well-known/jwks.json").await.text.contains(&kid));
}

/// Refresh tokens of other keys live on; the session of a dead one has to sign in again.
#[tokio::test]
async fn sec_tk_04_the_tokens_of_a_retired_mac_key_die_and_those_of_others_do_not() {
    let server = server().await;
    let old = server.signed_in().await.string("refresh_token");
    rotate(&server, "session_mac").await;
    server.clock.advance(SWITCH);
    let fresh = server.restarted().await;
    let new = fresh.login(EMAIL, PASSWORD).await.string("refresh_token");
    let kid_in = |token: &str| token.split('.').next().unwrap().trim_start_matches("rt_").to_owned();
    assert_ne!(kid_in(&old), kid_in(&new));
    retire(&server.app, "session_mac", &kid_in(&new)).await.unwrap();
    let fresh = server.restarted().await;
    assert_eq!(fresh.refresh(&new).await.status, 401);
    assert_eq!(fresh.refresh(&old).await.status, 200);
    assert_serves(&server).await;
}

#[tokio::test]
async fn sec_tk_04_a_whole_ring_can_be_retired() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    for ring in ["signing", "session_mac", "login_mac", "mail_mac"] {
        rotate(&server, ring).await;
        let listed = send(&server.app, json!({ "list": ring })).await.unwrap();
        let before: Vec<String> = kids(&listed["keys"]);
        let answer = retire(&server.app, ring, "all").await.unwrap();
        assert_eq!(answer["retired"].as_array().unwrap().len(), before.len(), "{ring}");
        assert!(kids(&answer["keys"]).iter().all(|kid| !before.contains(kid)), "{ring}");
    }
    assert_whole(&server);
    assert_serves(&server).await;
}

fn kids(keys: &Value) -> Vec<String> {
    keys.as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// A key that waits leaves its predecessor without an end again.
#[tokio::test]
async fn sec_tk_04_the_next_key_can_be_retired_before_it_signs() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    rotate(&server, "signing").await;
    let now = server.clock.now();
    let waiting: Ring<SigningKey> = ring(&server, "signing");
    let waiting = waiting.keys.iter().find(|key| key.alg == SigningAlgorithm::RS256 && now < key.validity.sign_from);
    let kid = waiting.unwrap().kid.clone();
    retire(&server.app, "signing", &kid).await.unwrap();
    assert!(!kids_everywhere(&server).contains(&kid));
    server.clock.advance(400 * DAY);
    assert_eq!(signer(&server), "rs256-1");
    assert_serves(&server).await;
}

#[tokio::test]
async fn sec_pw_02_what_wraps_passwords_cannot_be_retired_and_a_key_that_is_not_there_changes_nothing() {
    let server = server().await;
    let before = server.secrets_manager.with("password_wrap", |secret| secret.value());
    for kid in ["1", "all"] {
        assert!(retire(&server.app, "password_wrap", kid).await.is_err(), "{kid}");
    }
    assert_eq!(server.secrets_manager.with("password_wrap", |secret| secret.value()), before);
    let answer = retire(&server.app, "signing", "nobody").await.unwrap();
    assert_eq!(answer["retired"], json!([]));
    assert_eq!(signer(&server), "rs256-1");
    assert_eq!(lines(&server, "key_retired").await, Vec::<String>::new());
}
