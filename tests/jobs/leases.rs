//! A lease is one replica's at a time, whatever its clock says.

use std::time::Duration;

use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::SystemEntropy;
use wardgate::store::leases::{Held, Keeping, Taking};
use wardgate_server::jobs::lease::{ASKED, Asked, Holder, Lease, SKEW, TERM};

use crate::harness::store_edge::Disturbance;
use crate::harness::{TABLE, TestServer};

fn holder() -> Holder {
    Holder::new(&SystemEntropy).unwrap()
}

async fn take(server: &TestServer, holder: &Holder) -> Option<Lease> {
    match Lease::take(&server.app, "jobs", holder).await.unwrap() {
        Asked::Taken(lease) => Some(lease),
        Asked::Busy | Asked::Finished => None,
    }
}

#[tokio::test]
async fn sa_09_a_lease_is_had_by_one_and_by_the_next_once_it_is_over() {
    let server = TestServer::start().await;
    let (one, other) = (holder(), holder());
    let mut lease = take(&server, &one).await.unwrap();
    assert!(take(&server, &other).await.is_none());
    // Renewed, it lasts.
    for _ in 0..5 {
        server.clock.advance(10);
        assert!(lease.is_kept(&server.app).await);
        assert!(take(&server, &other).await.is_none());
    }
    lease.note("7".to_owned());
    assert!(lease.renew(&server.app).await.unwrap());
    server.clock.advance(29);
    assert!(take(&server, &other).await.is_none());
    server.clock.advance(1);
    assert!(TERM + ASKED <= Duration::from_secs(35));
    let taken = take(&server, &other).await.unwrap();
    assert_eq!(taken.checkpoint(), Some("7"));
    // Whoever had it changes nothing any more, not even its checkpoint.
    lease.note("8".to_owned());
    assert!(!lease.renew(&server.app).await.unwrap());
    lease.give_back(&server.app).await;
    assert!(take(&server, &one).await.is_none());
    taken.give_back(&server.app).await;
    assert_eq!(take(&server, &one).await.unwrap().checkpoint(), Some("7"));
    assert!(server.items(TABLE, "LEASE#jobs").await[0].contains_key("ttl"));
}

/// The holder's clock is behind by as much as it may be, and the other's is right.
#[tokio::test]
async fn sa_09_clocks_that_differ_by_five_seconds_give_nobody_the_same_lease() {
    let server = TestServer::start().await;
    let lease = take(&server, &holder()).await.unwrap();
    let begun = server.context().now;
    let mut both = 0;
    for millis in (0..40_000).step_by(250) {
        let holders = begun.plus(Duration::from_millis(millis));
        let others = holders.plus(SKEW);
        let is_free = others >= begun.plus(TERM);
        assert!(!(lease.is_held(holders) && is_free), "both have it after {millis} ms");
        both += usize::from(!lease.is_held(holders) && !is_free);
    }
    // It is nobody's for no longer than it must be.
    assert!(both <= 1, "{both}");
    // The table sees it as the arithmetic does.
    let take =
        async |now: Timestamp| server.app.store.take_lease("jobs", "another", now.plus(TERM), now).await.unwrap();
    assert_eq!(take(Timestamp::from_millis(begun.plus(TERM).millis() - 1)).await, Taking::Busy);
    assert!(matches!(take(begun.plus(TERM)).await, Taking::Taken(Held { fence: 2, .. })));
}

#[tokio::test]
async fn sa_09_a_lost_answer_or_a_table_that_is_down_costs_no_lease() {
    let server = TestServer::start().await;
    let (one, other) = (holder(), holder());
    let first = take(&server, &one).await.unwrap();
    // As if the answer had been lost.
    let mut lease = take(&server, &one).await.unwrap();
    assert!(!{ first }.renew(&server.app).await.unwrap(), "the one before it is of an older fence");
    assert!(take(&server, &other).await.is_none());
    server.clock.advance(12);
    server.store.disturb("UpdateItem", Disturbance::ServerError, 6);
    assert!(lease.is_kept(&server.app).await);
    // Nobody has heard of us for so long: others may have it.
    server.clock.advance(13);
    assert!(!lease.is_kept(&server.app).await);
    assert!(!lease.renew(&server.app).await.unwrap(), "it does not come back to life");
}

#[tokio::test]
async fn sa_09_what_is_finished_nobody_takes() {
    let server = TestServer::start().await;
    let lease = take(&server, &holder()).await.unwrap();
    assert!(lease.finish(&server.app).await.unwrap());
    server.clock.advance(3600);
    let now = server.context().now;
    assert_eq!(server.app.store.take_lease("jobs", "x", now.plus(TERM), now).await.unwrap(), Taking::Finished);
    let gone = Held { name: "jobs".to_owned(), holder: "x".to_owned(), fence: 1, checkpoint: None };
    assert_eq!(server.app.store.keep_lease(&gone, now).await.unwrap(), Keeping::Lost);
}

#[tokio::test]
async fn sa_09_work_is_cut_short_where_its_lease_is_lost_and_goes_on_where_it_is_not() {
    let server = TestServer::start().await;
    let mut lease = take(&server, &holder()).await.unwrap();
    assert_eq!(lease.while_held(&server.app, async { 7 }).await, Some(7));
    server.clock.advance(25);
    assert_eq!(lease.while_held(&server.app, std::future::pending::<u8>()).await, None);
}
