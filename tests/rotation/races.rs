//! Two runs at a time: one waits before any of its requests, while the other one does all of its own.

use super::*;
use crate::rotation::crashes::kids_everywhere;

/// What the other one does.
#[derive(Debug, Clone, Copy)]
enum Other {
    SameRotation,
    Rotation,
    RetiresTheSigner,
    /// The key that waits, which the first one finds there.
    RetiresTheNext,
}

#[tokio::test]
async fn sec_tk_04_of_two_runs_at_a_time_none_takes_away_what_signs_or_brings_back_what_was_retired() {
    for other in [Other::SameRotation, Other::Rotation, Other::RetiresTheSigner, Other::RetiresTheNext] {
        let server = server().await;
        server.register(EMAIL, PASSWORD).await;
        let retires = matches!(other, Other::RetiresTheSigner | Other::RetiresTheNext);
        // A retirement can be undone by any request; a rotation by whole steps at most.
        let stride = if retires { 1 } else { 3 };
        let mut waited = 0;
        for requests in (0..).step_by(stride) {
            server.clock.advance(SWITCH);
            let (first, second) = (token(), token());
            if matches!(other, Other::RetiresTheNext) {
                rotate_on(&server).await;
            }
            let held = server.secrets_manager.hold_after(requests);
            let (app, name) = (server.app.clone(), first.clone());
            let mut running = tokio::spawn(async move {
                for step_name in STEPS {
                    step(&app, "signing", &name, step_name).await?;
                }
                Ok::<(), Fault>(())
            });
            let is_held = tokio::select! {
                () = held.reached() => true,
                _ = &mut running => false,
            };
            if !is_held {
                break;
            }
            waited += 1;
            let retired = if matches!(other, Other::RetiresTheNext) { waiting(&server) } else { signer(&server) };
            match other {
                Other::SameRotation | Other::Rotation => {
                    let token = if matches!(other, Other::Rotation) { &second } else { &first };
                    for name in STEPS {
                        step(&server.app, "signing", token, name).await.unwrap();
                    }
                }
                Other::RetiresTheSigner | Other::RetiresTheNext => {
                    retire(&server.app, "signing", &retired).await.unwrap();
                }
            }
            assert_whole(&server);
            held.release();
            // It went through, or it found that it came too late.
            let _ = running.await.unwrap();
            assert_whole(&server);
            if retires {
                assert!(!kids_everywhere(&server).contains(&retired), "{requests}: {retired} is back");
            }
        }
        server.clock.advance(SWITCH);
        rotate_on(&server).await;
        assert!(waited * stride > 20, "{other:?} waited {waited} times");
        assert_serves(&server).await;
    }
}

/// Which key signs next.
fn waiting(server: &TestServer) -> String {
    let (ring, now): (Ring<SigningKey>, _) = (ring(server, "signing"), server.clock.now());
    ring.keys.iter().find(|key| now < key.validity.sign_from).unwrap().kid.clone()
}

/// Whatever was left behind, the next one goes through.
async fn rotate_on(server: &TestServer) {
    let token = token();
    for name in STEPS {
        step(&server.app, "signing", &token, name).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    assert_whole(server);
}
