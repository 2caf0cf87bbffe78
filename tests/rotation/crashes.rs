//! A step that dies between any two of its requests.

use super::*;
use crate::harness::store_edge::Crash;

/// As in AWS: whoever asked asks again. Every crash at every request, of a ring that is published and of one that is not.
#[tokio::test]
async fn sec_tk_04_a_rotation_that_dies_anywhere_is_finished_by_its_repetition() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    for (ring, least) in [("signing", 25), ("session_mac", 12)] {
        for crash in [Crash::Refused, Crash::Unheard, Crash::Blip] {
            for requests in 0.. {
                server.clock.advance(SWITCH);
                let token = token();
                assert!(server.secrets_manager.with(ring, |secret| secret.announce(&token)), "{crash:?} {requests}");
                server.secrets_manager.crash_after(requests, crash);
                let mut died = false;
                for name in STEPS {
                    if step(&server.app, ring, &token, name).await.is_err() {
                        died |= server.secrets_manager.mend();
                        assert_whole(&server);
                        step(&server.app, ring, &token, name)
                            .await
                            .unwrap_or_else(|fault| panic!("{ring} {crash:?} {requests} {name}: {fault}"));
                    }
                    assert_whole(&server);
                }
                // A process that only seemed to die has noticed nothing.
                died |= server.secrets_manager.mend();
                assert_eq!(server.secrets_manager.with(ring, |secret| secret.labelled("AWSCURRENT")), Some(token));
                if !died {
                    assert!(requests > least, "{ring} {crash:?}: only {requests} requests");
                    break;
                }
                assert!(requests < 100, "{ring} {crash:?} never ends");
            }
            assert_serves(&server).await;
        }
    }
}

/// A first version is read from when it is put: by then its public half is there.
#[tokio::test]
async fn sec_tk_04_a_first_rotation_that_dies_anywhere_leaves_no_key_that_nobody_can_verify() {
    let server = server().await;
    for crash in [Crash::Refused, Crash::Unheard] {
        for requests in 0.. {
            server.secrets_manager.clear();
            for ring in &RINGS[1..] {
                first(&server, ring).await;
            }
            server.secrets_manager.crash_after(requests, crash);
            let (token, mut died) = (token(), false);
            for name in STEPS {
                if step(&server.app, "signing", &token, name).await.is_err() {
                    died |= server.secrets_manager.mend();
                    if server.secrets_manager.with("signing", |secret| secret.value()).is_some() {
                        assert_whole(&server);
                    }
                    step(&server.app, "signing", &token, name).await.unwrap();
                }
            }
            assert_whole(&server);
            if !(died | server.secrets_manager.mend()) {
                assert!(requests > 8, "{crash:?}: only {requests} requests");
                break;
            }
        }
    }
}

/// The audit line is the last thing that a rotation does, and is written once.
#[tokio::test]
async fn sec_pl_03_the_line_of_a_rotation_that_died_before_it_comes_with_the_repetition() {
    let server = server().await;
    let token = token();
    for name in &STEPS[..3] {
        step(&server.app, "mail_mac", &token, name).await.unwrap();
    }
    server.store.crash_after(0, Crash::Refused);
    assert!(step(&server.app, "mail_mac", &token, STEPS[3]).await.is_err());
    server.store.mend();
    assert_eq!(lines(&server, "keys_rotated").await, Vec::<String>::new());
    for _ in 0..3 {
        server.clock.advance(60);
        step(&server.app, "mail_mac", &token, STEPS[3]).await.unwrap();
    }
    assert_eq!(lines(&server, "keys_rotated").await.len(), 1);
}

#[tokio::test]
async fn sec_tk_04_a_retirement_that_dies_anywhere_leaves_everybody_served_and_can_be_repeated() {
    let server = server().await;
    server.register(EMAIL, PASSWORD).await;
    for crash in [Crash::Refused, Crash::Unheard] {
        for requests in 0.. {
            let kid = signer(&server);
            server.secrets_manager.crash_after(requests, crash);
            let died = retire(&server.app, "signing", &kid).await.is_err();
            server.secrets_manager.mend();
            assert_whole(&server);
            retire(&server.app, "signing", &kid).await.unwrap();
            assert_whole(&server);
            assert!(!kids_everywhere(&server).contains(&kid), "{crash:?} {requests}");
            if !died {
                assert!(requests > 12, "{crash:?}: only {requests} requests");
                break;
            }
        }
        assert_serves(&server).await;
    }
}

/// Private and public ones.
pub(super) fn kids_everywhere(server: &TestServer) -> Vec<String> {
    let (signing, public): (Ring<SigningKey>, Ring<PublicKey>) = (ring(server, "signing"), ring(server, "public_keys"));
    let public = public.keys.iter().map(|key| key.kid().to_owned());
    signing.keys.iter().map(|key| key.kid.clone()).chain(public).collect()
}
