//! A process from its start to its end.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt as _;

use serde_json::Value;
use wardgate_runtime_tests::binaries::{function_binary, functions};
use wardgate_runtime_tests::runtime_api::Event;

use crate::gateway::{Answer, golden};
use crate::world::World;

#[tokio::test]
async fn a_warm_process_answers_again_and_remembers_nobody() {
    let world = World::start().await;
    world.registered().await;
    let mut login = world.function("login").await;
    let process = login.id();
    let mut sessions = BTreeSet::new();
    for _ in 0..3 {
        let answer = Answer::of(login.invoke(&golden("login/ok")).await);
        assert_eq!(answer.status_code, 200, "{answer:?}");
        sessions.insert(answer.string("session_id"));
        let answer = Answer::of(login.invoke(&golden("login/wrong-password")).await);
        assert_eq!((answer.status_code, answer.code().as_str()), (401, "invalid_credentials"), "{answer:?}");
    }
    assert_eq!(sessions.len(), 3);
    assert_eq!(login.id(), process);
}

/// Lambda takes metrics from standard output; each has to be there before the process may be frozen.
#[tokio::test]
async fn each_invocation_is_measured_and_the_cold_start_once() {
    let world = World::start().await;
    let mut health = world.function("health").await;
    let total = |lines: &[Value], name: &str| lines.iter().filter_map(|line| line[name].as_u64()).sum::<u64>();
    for invocations in 1..=2 {
        assert_eq!(Answer::of(health.invoke(&golden("health/ok")).await).status_code, 200);
        let lines = health.metrics(|lines| total(lines, "wardgate_requests_total") == invocations).await;
        assert_eq!(total(&lines, "wardgate_cold_starts_total"), 1, "{lines:?}");
        assert!(lines.iter().all(|line| line["_aws"]["CloudWatchMetrics"].is_array()), "{lines:?}");
    }
}

#[tokio::test]
async fn sigterm_ends_an_idle_process_at_once() {
    let world = World::start().await;
    for name in functions() {
        let mut function = world.function(&name).await;
        function.signal("TERM");
        let status = function.exit().await;
        // Lambda takes either: nothing is unfinished in an idle process.
        assert!(status.success() || status.signal() == Some(15), "{name}: {status}\n{}", function.stderr());
    }
}

#[tokio::test]
async fn a_process_that_was_killed_in_the_middle_is_replaced_without_a_trace() {
    let world = World::start().await;
    world.registered().await;
    let mut login = world.function("login").await;
    login.send(&golden("login/ok"));
    login.signal("KILL");
    while !matches!(login.event().await, Event::Exited(_)) {}
    let answer = Answer::of(world.function("login").await.invoke(&golden("login/ok")).await);
    assert_eq!(answer.status_code, 200, "{answer:?}");
}

/// `docs/performance.md`: 8 MiB before the first hash. Unoptimised code is several times as large.
#[tokio::test]
async fn an_initialised_process_is_small() {
    let most_kib = if cfg!(debug_assertions) { 48 * 1024 } else { 8 * 1024 };
    let world = World::start().await;
    for name in functions() {
        let function = world.function(&name).await;
        let kib = function.resident_kib();
        assert!((1..=most_kib).contains(&kib), "{}: {kib} KiB", function_binary(&name).display());
    }
}
