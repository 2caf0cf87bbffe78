//! Steps in any order, of any version, at any time.

use super::*;

fn everything(server: &TestServer) -> Vec<Option<Value>> {
    let names = RINGS.into_iter().chain(["public_keys"]);
    names.map(|name| server.secrets_manager.with(name, |secret| secret.value())).collect()
}

#[tokio::test]
async fn sec_tk_04_steps_in_any_order_change_nothing_before_their_turn() {
    let server = server().await;
    for ring in ["signing", "login_mac"] {
        for first in &STEPS[1..] {
            for second in &STEPS[1..] {
                server.clock.advance(SWITCH);
                let token = token();
                assert!(server.secrets_manager.with(ring, |secret| secret.announce(&token)));
                let before = everything(&server);
                for early in [first, second] {
                    let done = step(&server.app, ring, &token, early).await;
                    // Secrets Manager tries a schedule by this step alone, with a version that has no value.
                    assert_eq!(done.is_ok(), *early == "testSecret", "{early}");
                }
                assert_eq!(everything(&server), before);
                // Finishing goes the whole way, if the version is there.
                step(&server.app, ring, &token, STEPS[0]).await.unwrap();
                step(&server.app, ring, &token, first).await.unwrap();
                assert_whole(&server);
                step(&server.app, ring, &token, STEPS[3]).await.unwrap();
                assert_whole(&server);
                let finished = everything(&server);
                assert_ne!(finished, before);
                for late in STEPS {
                    step(&server.app, ring, &token, late).await.unwrap();
                }
                assert_eq!(everything(&server), finished);
            }
        }
    }
}

#[tokio::test]
async fn sec_tk_04_a_stale_version_begins_nothing_and_ends_nothing() {
    let server = server().await;
    let (stale, never) = (rotate(&server, "signing").await, token());
    server.clock.advance(SWITCH);
    rotate(&server, "signing").await;
    let before = everything(&server);
    for name in STEPS {
        assert!(step(&server.app, "signing", &stale, name).await.is_err() || name == "testSecret", "{name}");
        assert!(step(&server.app, "signing", &never, name).await.is_err() || name == "testSecret", "{name}");
    }
    assert_eq!(everything(&server), before);
    assert!(!server.secrets_manager.with("signing", |secret| secret.is_under_way()));
}

/// A key is never used that was published less than a day before.
#[tokio::test]
async fn sec_tk_04_a_rotation_that_was_interrupted_for_too_long_is_given_up_and_the_next_one_goes_through() {
    for (ring, done) in [("signing", 1), ("signing", 2), ("session_mac", 1), ("session_mac", 3)] {
        let server = server().await;
        server.register(EMAIL, PASSWORD).await;
        let (late, before) = (token(), server.secrets_manager.with(ring, |secret| secret.value()));
        server.secrets_manager.with(ring, |secret| secret.announce(&late));
        for name in &STEPS[..done] {
            step(&server.app, ring, &late, name).await.unwrap();
        }
        server.clock.advance(DAY + 1200);
        let refused = step(&server.app, ring, &late, STEPS[3]).await.unwrap_err().to_string();
        assert!(refused.contains("too long ago"), "{refused}");
        assert_eq!(server.secrets_manager.with(ring, |secret| secret.value()), before);
        assert_whole(&server);
        rotate(&server, ring).await;
        assert_whole(&server);
        server.clock.advance(SWITCH);
        assert_serves(&server).await;
    }
}

/// Two rotations in a row: what waits is next, and no third key is made for after it.
#[tokio::test]
async fn sec_tk_04_rotating_again_before_the_switch_makes_no_other_key() {
    let server = server().await;
    for ring in RINGS {
        rotate(&server, ring).await;
        let keys = server.secrets_manager.with(ring, |secret| secret.value()).unwrap()["keys"].clone();
        rotate(&server, ring).await;
        assert_eq!(server.secrets_manager.with(ring, |secret| secret.value()).unwrap()["keys"], keys, "{ring}");
        assert_whole(&server);
    }
}
