//! Runs that die.

use std::collections::BTreeMap;

use wardgate::migrations::MIGRATIONS;
use wardgate::use_cases::migrate::Order;

use super::{bytes, fill, finish, meaning, put_wrap_keys, run, run_of, state, trail};
use crate::harness::TestServer;
use crate::harness::store_edge::Crash;

/// A small linear congruential generator: the same points in each run of the test.
struct Points(u64);

impl Points {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

async fn prepared() -> TestServer {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(1, 0), (2, 0)]);
    // The second key is the later one: it seals from a second after the first on.
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    server
}

/// Small pages, so that there are many places to die at.
fn slowly(to: Option<&str>) -> Order {
    Order { items_per_second: Some(40), to: to.map(str::to_owned), ..Order::default() }
}

/// What an uninterrupted run makes, and in how many requests.
async fn uninterrupted(order: &Order) -> (BTreeMap<String, String>, usize) {
    let server = prepared().await;
    server.store.reset();
    finish(&server, order).await;
    (meaning(&server).await, server.store.count())
}

#[tokio::test]
async fn sec_pw_02_a_run_killed_at_twenty_random_points_is_resumed_and_ends_in_the_same_table() {
    let order = slowly(None);
    let (expected, requests) = uninterrupted(&order).await;
    assert!(requests > 100, "only {requests} requests");
    let mut points = Points(25);
    for round in 0..20 {
        let server = prepared().await;
        // Some die more than once.
        for _ in 0..=round % 3 {
            let crash = [Crash::Refused, Crash::Unheard][points.next(2)];
            let point = 1 + points.next(requests - 1);
            server.store.crash_after(point, crash);
            let died = run(&server, &order).await;
            server.store.mend();
            let locked = died.as_ref().is_ok_and(|report| report.refused.is_some());
            assert!(died.is_err() || locked || round % 3 > 0, "round {round} lived past {point}: {died:?}");
        }
        finish(&server, &order).await;
        assert_eq!(meaning(&server).await, expected, "round {round}");
        let finished = [
            "0001 rewrap-password-hashes up",
            "0002 expire-failures-of-no-account up",
            "0003 rewrap-totp-secrets up",
            "0004 count-passkeys up",
        ];
        assert_eq!(trail(&server).await, finished, "round {round}");
        for number in ["0001", "0002", "0003", "0004"] {
            let state = state(&server, number).await.unwrap();
            assert_eq!(state["status"].as_s().unwrap(), "applied");
            assert!(!state.contains_key("owner") && !state.contains_key("expires"));
        }
    }
}

/// Of what concerns no keys, down to the byte.
#[tokio::test]
async fn taking_back_restores_the_table_byte_for_byte_wherever_it_is_killed() {
    let mut points = Points(7);
    let mut requests = 0;
    for round in 0..20 {
        let server = prepared().await;
        let before = bytes(&server).await;
        let second = &MIGRATIONS[1..2];
        assert!(!run_of(&server, second, &slowly(None)).await.unwrap().more);
        let applied = bytes(&server).await;
        assert_eq!(before.iter().filter(|(key, item)| applied[*key] != **item).count(), 20);
        let back = slowly(Some("0000"));
        server.store.reset();
        // The first is not killed, and says where the others can be.
        if round > 0 {
            server.store.crash_after(1 + points.next(requests - 1), [Crash::Refused, Crash::Unheard][points.next(2)]);
            let died = run_of(&server, second, &back).await;
            server.store.mend();
            assert!(died.is_err(), "round {round}");
        }
        finish(&server, &back).await;
        requests = if round == 0 { server.store.count() } else { requests };
        assert_eq!(bytes(&server).await, before, "round {round}");
        assert_eq!(state(&server, "0002").await.unwrap()["status"].as_s().unwrap(), "reverted");
    }
}

#[tokio::test]
async fn sec_pw_02_taking_a_rewrap_back_restores_what_the_table_says_under_the_earlier_key() {
    let server = prepared().await;
    let before = meaning(&server).await;
    finish(&server, &slowly(None)).await;
    assert_ne!(meaning(&server).await, before);
    let half = Order { seconds: Some(1), ..slowly(Some("0000")) };
    assert!(run(&server, &half).await.unwrap().more);
    finish(&server, &half).await;
    assert_eq!(meaning(&server).await, before);
    // And forth again.
    finish(&server, &Order::default()).await;
    assert!(meaning(&server).await.values().all(|item| !item.contains("under 1")));
    assert_eq!(trail(&server).await.len(), 3 * MIGRATIONS.len());
}

/// Begun one way and wanted the other before its end.
#[tokio::test]
async fn a_run_that_died_half_way_can_be_taken_back_instead() {
    let server = prepared().await;
    let before = (meaning(&server).await, bytes(&server).await);
    server.store.cut_after(40);
    assert!(run(&server, &slowly(None)).await.is_err());
    server.store.mend();
    assert_ne!(bytes(&server).await, before.1);
    finish(&server, &slowly(Some("0000"))).await;
    assert_eq!(meaning(&server).await, before.0);
}
