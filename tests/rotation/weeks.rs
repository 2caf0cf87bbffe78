//! Clients over weeks of rotations.

use std::collections::BTreeSet;

use super::*;
use crate::harness::Answer;

/// Clients that came at different times and go on.
struct Client {
    access: String,
    refresh: String,
}

impl Client {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text);
        Self { access: answer.string("access_token"), refresh: answer.string("refresh_token") }
    }

    async fn goes_on(&mut self, server: &TestServer) {
        *self = Self::of(&server.refresh(&self.refresh).await);
    }

    async fn is_served(&self, server: &TestServer) {
        let answer = server.as_bearer(Method::GET, "/v1/me", &self.access).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

/// Ten weeks, every ring each week, with every step twice and the steps of the week before again. Sign-ins go to one
/// process and refreshes to another, whose rings are as old as they may be.
#[tokio::test]
async fn sec_tk_04_no_live_token_is_rejected_over_weeks_of_rotations() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    let other = server.restarted().await;
    // One that comes once in four weeks, and one that is always there.
    let mut rare = Client::of(&server.login(EMAIL, PASSWORD).await);
    let mut frequent = Client::of(&server.login(EMAIL, PASSWORD).await);
    let (mut signers, mut seals) = (BTreeSet::new(), BTreeSet::new());
    let mut last_week: Vec<(&str, String)> = Vec::new();
    for week in 1..=10 {
        for (ring, stale) in std::mem::take(&mut last_week) {
            let before = server.secrets_manager.with(ring, |secret| secret.value());
            for name in STEPS {
                // An error or nothing.
                let _ = step(&server.app, ring, &stale, name).await;
            }
            assert_eq!(server.secrets_manager.with(ring, |secret| secret.value()), before, "{ring}");
        }
        for ring in RINGS {
            let token = token();
            assert!(server.secrets_manager.with(ring, |secret| secret.announce(&token)));
            for name in STEPS.iter().flat_map(|name| [name, name]) {
                step(&server.app, ring, &token, name).await.unwrap_or_else(|fault| panic!("{ring}, {name}: {fault}"));
                assert_whole(&server);
                frequent.is_served(&other).await;
            }
            last_week.push((ring, token));
        }
        for _ in 0..14 {
            let newest = Client::of(&server.login(EMAIL, PASSWORD).await);
            newest.is_served(&other).await;
            // Until the moment before it expires.
            server.clock.advance(299);
            newest.is_served(&other).await;
            frequent.goes_on(&other).await;
            frequent.is_served(&server).await;
            signers.insert(kid_of(&frequent.access));
            seals.insert(frequent.refresh.split('.').next().unwrap().to_owned());
            server.clock.advance(DAY / 2 - 299);
            frequent.goes_on(&server).await;
        }
        if week % 4 == 0 {
            rare.goes_on(&server).await;
            rare.is_served(&other).await;
        }
    }
    // Each week's key has come into use. Those whose tokens are all over are gone.
    assert_eq!((signers.len(), seals.len()), (11, 11));
    assert!(ring::<SigningKey>(&server, "signing").keys.len() <= 6);
    assert_eq!(ring::<MacKey>(&server, "session_mac").keys.len(), 11, "sessions live 90 days");
    assert!(ring::<MacKey>(&server, "login_mac").keys.len() <= 3);
}

#[tokio::test]
async fn sec_tk_04_the_next_signing_key_is_published_first_and_signs_a_day_later_by_the_clock_alone() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    let token = token();
    server.secrets_manager.with("signing", |secret| secret.announce(&token));
    for name in &STEPS[..2] {
        step(&server.app, "signing", &token, name).await.unwrap();
    }
    // Published, and nobody can sign with it: the ring itself is not finished.
    let published: Ring<PublicKey> = ring(&server, "public_keys");
    let now = server.clock.now();
    let next = published.keys.iter().find(|key| now < key.validity.sign_from).expect("the next key").clone();
    assert_eq!((published.keys.len(), ring::<SigningKey>(&server, "signing").keys.len()), (4, 2));
    for name in &STEPS[2..] {
        step(&server.app, "signing", &token, name).await.unwrap();
    }
    let signs = next.validity.sign_from.since(now).as_secs();
    assert!(signs >= 24 * 3600, "{signs} s");
    let jwks = server.restarted().await.get("/.well-known/jwks.json").await;
    assert!(jwks.text.contains(next.kid()), "{}", jwks.text);
    let (before, after) = (signer(&server), i64::try_from(signs).unwrap());
    server.clock.advance(after - 1);
    assert_eq!(signer(&server), before);
    server.clock.advance(1);
    assert_ne!(signer(&server), before);
    assert_serves(&server).await;
}

/// SE-02: a lost answer is given again, also if the key has changed in between.
#[tokio::test]
async fn sec_tk_04_sec_se_02_a_successor_is_the_same_byte_for_byte_across_a_rotation() {
    let server = server().await;
    let first = server.signed_in().await.string("refresh_token");
    rotate(&server, "session_mac").await;
    let switch = ring::<MacKey>(&server, "session_mac").keys[1].validity.sign_from;
    server.clock.advance_millis(switch.since(server.clock.now()).as_millis().try_into().unwrap());
    server.clock.advance(-2);
    let process = server.restarted().await;
    let second = process.refresh(&first).await.string("refresh_token");
    server.clock.advance(4);
    let again = process.refresh(&first).await.string("refresh_token");
    assert_eq!(again, second);
    assert_eq!(server.restarted().await.refresh(&first).await.string("refresh_token"), second);
    // The next one is sealed with the new key.
    server.clock.advance(60);
    let third = process.refresh(&second).await.string("refresh_token");
    assert_ne!(third.split('.').next(), second.split('.').next());
    assert_eq!(process.refresh(&third).await.status, 200);
}

/// PW-02: old rows open, and none is sealed with a key that others may not know yet.
#[tokio::test]
async fn sec_pw_02_passwords_stay_readable_across_rotations_of_the_wrapping_key() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    let slow = server.restarted().await;
    assert_eq!(slow.login(EMAIL, PASSWORD).await.status, 200);
    for round in 0..3 {
        rotate(&server, "password_wrap").await;
        let email = format!("{round}@example.com");
        server.restarted().await.register(&email, PASSWORD).await;
        assert_eq!(slow.login(&email, PASSWORD).await.status, 200);
        server.clock.advance(SWITCH);
        assert_eq!(server.restarted().await.login(EMAIL, PASSWORD).await.status, 200);
    }
    let value = server.secrets_manager.with("password_wrap", |secret| secret.value()).unwrap();
    let versions: Vec<u64> =
        value["keys"].as_array().unwrap().iter().map(|key| key["version"].as_u64().unwrap()).collect();
    assert_eq!(versions, [1, 2, 3, 4]);
    server.restarted().await.register("last@example.com", PASSWORD).await;
    assert_eq!(server.login("last@example.com", PASSWORD).await.status, 200);
}
