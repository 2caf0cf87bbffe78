//! One runner at a time.

use wardgate::migrations::MIGRATIONS;
use wardgate::use_cases::migrate::{Order, standing};

use super::{bytes, fill, finish, meaning, put_wrap_keys, run, state, trail};
use crate::harness::store_edge::Disturbance;
use crate::harness::{START, TestServer};

async fn prepared() -> TestServer {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    server
}

#[tokio::test]
async fn of_two_runners_one_gets_the_lock_and_the_other_says_so() {
    let server = prepared().await;
    let order = Order::default();
    let held = server.store.hold("Scan");
    let second = async {
        held.reached().await;
        let refused = run(&server, &order).await.unwrap().refused.unwrap();
        assert_eq!(refused.code, "locked");
        assert!(refused.detail.contains("0001 rewrap-password-hashes"), "{}", refused.detail);
        let listing = standing(&server.app, MIGRATIONS).await.unwrap();
        assert_eq!((listing.migrations[0].status, listing.migrations[0].locked_until), ("running", refused.until));
        held.release();
    };
    let (first, ()) = futures::join!(run(&server, &order), second);
    let first = first.unwrap();
    assert!(first.refused.is_none() && !first.more && first.finished.len() == MIGRATIONS.len());
}

#[tokio::test]
async fn many_that_begin_at_once_do_it_once() {
    let server = prepared().await;
    let order = Order::default();
    let reports = futures::future::join_all((0..6).map(|_| run(&server, &order))).await;
    let finished: usize = reports.iter().map(|report| report.as_ref().unwrap().finished.len()).sum();
    // Whoever saw the other may have stepped back.
    assert!(finished <= MIGRATIONS.len(), "{reports:?}");
    finish(&server, &Order::default()).await;
    assert_eq!(trail(&server).await.len(), MIGRATIONS.len());
}

#[tokio::test]
async fn a_dead_runners_lease_runs_out_by_the_clock_and_its_work_is_gone_on_with() {
    let server = prepared().await;
    let order = Order { items_per_second: Some(40), ..Order::default() };
    server.store.cut_after(60);
    assert!(run(&server, &order).await.is_err());
    server.store.mend();
    let seen = |item: &super::Item| item["progress"].as_m().unwrap()["seen"].as_n().unwrap().parse::<u64>().unwrap();
    let before = seen(&state(&server, "0001").await.unwrap());
    assert!(before > 0);
    let refused = run(&server, &order).await.unwrap().refused.unwrap();
    assert_eq!(refused.code, "locked");
    server.clock.set(refused.until.unwrap());
    server.clock.advance_millis(-1);
    assert_eq!(run(&server, &order).await.unwrap().refused.unwrap().code, "locked");
    server.clock.advance_millis(1);
    let half = Order { seconds: Some(0), ..order.clone() };
    assert!(run(&server, &half).await.unwrap().refused.is_none());
    finish(&server, &order).await;
    // Each item once: it did not begin anew.
    let all = server.items(crate::harness::TABLE, "").await.len() as u64;
    let counted = seen(&state(&server, "0001").await.unwrap());
    assert!(counted <= all + 60, "{counted} of {all}");
}

/// It wakes up when another has its lock, in the middle of a page.
#[tokio::test]
async fn a_runner_that_slept_past_its_lease_writes_nothing_any_more() {
    let server = prepared().await;
    let order = Order::default();
    let held = server.store.hold("Scan");
    let other = async {
        held.reached().await;
        server.clock.advance(61);
        finish(&server, &order).await;
        // Back again, so that what the sleeper would write could be seen.
        finish(&server, &super::to("0000")).await;
        let before = bytes(&server).await;
        held.release();
        before
    };
    let (slept, before) = futures::join!(run(&server, &order), other);
    let slept = slept.unwrap();
    assert!(slept.finished.is_empty(), "{slept:?}");
    assert!(slept.interrupted.is_some() || slept.refused.is_some_and(|it| it.code == "lock_lost"));
    assert_eq!(bytes(&server).await, before);
}

/// Waiting for its turn, a runner says that it is alive.
#[tokio::test]
async fn a_live_runner_renews_its_lease_while_it_waits() {
    let server = prepared().await;
    let order = Order { items_per_second: Some(1), ..Order::default() };
    assert!(server.app.config.http.request_deadline_ms >= 60_000);
    let report = run(&server, &Order { seconds: Some(300), ..order }).await.unwrap();
    assert!(report.more && report.running.is_some());
    // Each word is another version.
    let state = state(&server, "0001").await.unwrap();
    let words: u64 = state["version"].as_n().unwrap().parse().unwrap();
    assert!(words > 6, "{words} words in {} ms", server.app.clock.now().since(START).as_millis());
}

#[tokio::test]
async fn a_throttled_table_is_waited_for_and_gone_on_with() {
    let server = prepared().await;
    for operation in ["Scan", "UpdateItem", "PutItem"] {
        server.store.disturb(operation, Disturbance::Throttled, 12);
    }
    let mut interrupted = 0;
    for _ in 0..20 {
        match run(&server, &Order::default()).await {
            Ok(report) if report.interrupted.is_some() => {
                assert!(report.more);
                interrupted += 1;
            }
            Ok(report) if report.refused.is_some() => server.clock.set(report.refused.unwrap().until.unwrap()),
            Ok(report) => {
                assert!(!report.more);
                break;
            }
            Err(fault) => panic!("{fault}"),
        }
    }
    assert!(interrupted > 0);
    assert!(meaning(&server).await.values().all(|item| !item.contains("under 1")));
    assert_eq!(trail(&server).await.len(), MIGRATIONS.len());
}
