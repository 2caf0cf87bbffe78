//! Two runs at a time: one waits before any of its requests, while the other one does all of its own.

use super::*;
use crate::rotation::crashes::kids_everywhere;

/// What the other one does.
#[derive(Debug, Clone, Copy)]
enum Other {
    SameRotation,
    Rotation,
    Retirement,
}

#[tokio::test]
async fn sec_tk_04_of_two_runs_at_a_time_none_takes_away_what_signs_or_brings_back_what_was_retired() {
    for other in [Other::SameRotation, Other::Rotation, Other::Retirement] {
        let server = server().await;
        server.register(EMAIL, PASSWORD).await;
        let mut waited = 0;
        for requests in 0.. {
            server.clock.advance(SWITCH);
            let (first, second) = (token(), token());
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
            let retired = signer(&server);
            match other {
                Other::SameRotation | Other::Rotation => {
                    let token = if matches!(other, Other::Rotation) { &second } else { &first };
                    for name in STEPS {
                        step(&server.app, "signing", token, name).await.unwrap();
                    }
                }
                Other::Retirement => drop(retire(&server.app, "signing", &retired).await.unwrap()),
            }
            assert_whole(&server);
            held.release();
            // It went through, or it found that it came too late.
            let _ = running.await.unwrap();
            assert_whole(&server);
            if matches!(other, Other::Retirement) {
                assert!(!kids_everywhere(&server).contains(&retired), "{requests}: {retired} is back");
            }
        }
        rotate_on(&server).await;
        assert!(waited > 25, "{other:?} waited {waited} times");
        assert_serves(&server).await;
    }
}

/// Whatever was left behind, the next one goes through.
async fn rotate_on(server: &TestServer) {
    server.clock.advance(SWITCH);
    let token = token();
    for name in STEPS {
        step(&server.app, "signing", &token, name).await.unwrap_or_else(|fault| panic!("{name}: {fault}"));
    }
    assert_whole(server);
}
