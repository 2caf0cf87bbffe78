//! SE-02 as a property: whatever is refreshed when, a family has one live successor or is revoked.

use proptest::prelude::*;
use serde_json::Value;
use wardgate::crypto::sealed_token::RefreshToken;
use wardgate::domain::session::Session;
use wardgate::use_cases::sign_in::token_refresh::token_refresh;

use crate::harness::{START, TestServer};

#[derive(Debug, Clone)]
enum Step {
    /// Presents one of the tokens issued so far, counted from the newest.
    Refresh(usize),
    /// Moves the clock, also backwards: instances disagree about the time.
    Clock(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let clock = prop_oneof![-15_000_i64..15_000, 9_990_i64..10_010];
    let step = prop_oneof![
        4 => (0_usize..2).prop_map(Step::Refresh),
        1 => (0_usize..6).prop_map(Step::Refresh),
        3 => clock.prop_map(Step::Clock),
    ];
    prop::collection::vec(step, 1..30)
}

/// Two session keys, the second of which takes over five minutes in: successors must be the same across a rotation.
async fn rotating_server() -> TestServer {
    let server = TestServer::start().await;
    let mut keys: Value = serde_json::from_str(&std::fs::read_to_string(&server.key_file).unwrap()).unwrap();
    let mut second = keys["session_mac"]["keys"][0].clone();
    second["kid"] = "s2".into();
    second["secret"] = "c2Vjb25kIHNlY29uZCBzZWNvbmQgc2Vjb25kIHNlY29uZCE=".into();
    second["sign_from"] = (START.millis() + 15_000).into();
    keys["session_mac"]["keys"].as_array_mut().unwrap().push(second);
    std::fs::write(&server.key_file, keys.to_string()).unwrap();
    server
}

async fn session(server: &TestServer, token: &RefreshToken) -> Session {
    server.app.store.read_session_and_user(token.user_id, token.session_id).await.unwrap().0.unwrap()
}

async fn holds(server: &TestServer, steps: Vec<Step>) -> Result<(), TestCaseError> {
    server.clock.set(START);
    let ring = server.app.secrets.session_mac(START).await.unwrap();
    let first = server.signed_in().await.string("refresh_token");
    let family = RefreshToken::open(&first, &ring, START).unwrap();
    // Every token issued so far, by generation: one text each.
    let mut issued = vec![first];
    for step in steps {
        let back = match step {
            Step::Clock(millis) => {
                server.clock.advance_millis(millis.max(START.millis() - server.context().now.millis()));
                continue;
            }
            Step::Refresh(back) => back,
        };
        let presented = issued[issued.len() - 1 - back.min(issued.len() - 1)].clone();
        let before = session(server, &family).await;
        let result = token_refresh(&server.app, &server.context(), &presented).await;
        let after = session(server, &family).await;
        match result {
            Ok(signed_in) => {
                prop_assert!(before.revoked_at.is_none(), "a revoked family was refreshed");
                let token = RefreshToken::open(&signed_in.refresh_token, &ring, server.context().now).unwrap();
                prop_assert_eq!(token.generation, after.generation, "an answer that is not the live successor");
                match issued.get(token.generation as usize) {
                    Some(known) => prop_assert_eq!(known, &signed_in.refresh_token, "a generation has two tokens"),
                    None => issued.push(signed_in.refresh_token),
                }
                prop_assert_eq!(issued.len(), after.generation as usize + 1, "a generation was skipped");
            }
            Err(_) => prop_assert!(after.revoked_at.is_some(), "signed out, and the family lives on"),
        }
    }
    Ok(())
}

#[test]
fn sec_se_02_any_interleaving_with_any_clock_leaves_one_live_successor_or_a_revoked_family() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(rotating_server());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig { cases: 96, ..ProptestConfig::default() });
    runner.run(&steps(), |steps| runtime.block_on(holds(&server, steps))).unwrap();
}
