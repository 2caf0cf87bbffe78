mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use proptest::prelude::*;
use store::{Queue, Store};

use super::*;
use crate::clock::Waiting;
use crate::domain::id::{SessionId, UserId};
use crate::domain::timestamp::Timestamp;
use crate::entropy::NoEntropy;

/// A clock that each pause moves.
#[derive(Default)]
struct Watch(AtomicI64);

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

impl Pause for Watch {
    fn pause(&self, duration: Duration) -> Waiting<'_> {
        self.0.fetch_add(i64::try_from(duration.as_millis()).unwrap(), Ordering::Relaxed);
        Box::pin(tokio::task::yield_now())
    }
}

struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        bytes.fill(0);
        Ok(())
    }
}

#[derive(Default)]
struct World {
    watch: Watch,
    store: Arc<Store>,
    drops: Arc<Queue>,
    seen: LastSeen,
}

impl World {
    fn sync(&self) -> EdgeSync<'_> {
        self.sync_of(&self.seen)
    }

    /// That of another process.
    fn sync_of<'a>(&'a self, seen: &'a LastSeen) -> EdgeSync<'a> {
        let (clock, entropy) = (&self.watch, &Zeros);
        EdgeSync { clock, pause: &self.watch, entropy, store: &self.store, drops: &self.drops, seen }
    }

    fn at(&self, seconds: i64) -> &Self {
        self.watch.0.store(seconds * 1000, Ordering::Relaxed);
        self
    }

    /// Hands out what is in the queue of drops until nothing is, each time when its delay is over.
    async fn drain(&self) {
        for _ in 0..100 {
            let messages = self.drops.take();
            let Some(last) = messages.iter().map(|it| it.delay_seconds).max() else { return };
            self.watch.0.fetch_add(i64::from(last) * 1000, Ordering::Relaxed);
            assert_eq!(self.sync().drop(&of(&messages)).await, [0_usize; 0]);
        }
        panic!("something is dropped again and again");
    }
}

fn of(messages: &[Delayed]) -> Vec<DenyOrder> {
    let order = |it: &Delayed| match &it.message {
        EdgeMessage::Put(order) | EdgeMessage::Drop(order) => order.clone(),
    };
    messages.iter().map(order).collect()
}

fn session(number: u128, at: i64) -> DenyOrder {
    let until = at + 365;
    let id = SessionId::new(Timestamp::EPOCH, number);
    DenyOrder { key: id.to_string(), value: until.to_string(), until, at, user: Some(user(number)) }
}

fn user(number: u128) -> UserId {
    UserId::new(Timestamp::EPOCH, number)
}

fn sessions_of(number: u128, at: i64) -> DenyOrder {
    DenyOrder { key: user(number).to_string(), value: at.to_string(), until: at + 365, at, user: None }
}

fn nothing() -> Vec<usize> {
    Vec::new()
}

#[tokio::test]
async fn sec_ed_11_many_orders_are_put_within_the_limits_of_a_call_and_one_etag_leads_to_the_next() {
    let world = World::default();
    let orders: Vec<_> = (0..120).map(|number| session(number, 100)).collect();
    assert_eq!(world.at(100).sync().put(&orders).await, nothing());
    assert_eq!((world.store.entries().len(), world.store.updates(), world.store.describes()), (120, 3, 1));
    // Nor does the next batch ask, unless another process has changed the list.
    assert_eq!(world.sync().put(&[session(200, 100)]).await, nothing());
    assert_eq!(world.store.describes(), 1);
    assert_eq!(world.sync_of(&LastSeen::default()).put(&[session(201, 100)]).await, nothing());
    assert_eq!(world.sync().put(&[session(202, 100)]).await, nothing());
    assert_eq!((world.store.entries().len(), world.store.describes()), (123, 3));
}

#[tokio::test]
async fn sec_ed_10_a_not_before_never_moves_back() {
    let world = World::default();
    for (at, expected) in [(200, "200"), (100, "200"), (300, "300"), (300, "300")] {
        assert_eq!(world.at(300).sync().put(&[sessions_of(1, at)]).await, nothing());
        assert_eq!(world.store.entries().get(&user(1).to_string()).map(String::as_str), Some(expected), "{at}");
    }
}

#[tokio::test]
async fn a_drop_of_an_earlier_value_leaves_the_later_one() {
    let world = World::default();
    world.at(100).sync().put(&[sessions_of(1, 100)]).await;
    let first = of(&world.drops.take());
    world.at(200).sync().put(&[sessions_of(1, 200)]).await;
    assert_eq!(world.at(465).sync().drop(&first).await, nothing());
    assert_eq!(world.store.entries().len(), 1);
    world.drain().await;
    assert!(world.store.entries().is_empty());
}

#[tokio::test]
async fn a_late_order_does_not_take_out_what_is_newer() {
    let world = World::default();
    world.at(300).sync().put(&[sessions_of(1, 300)]).await;
    world.drops.take();
    world.sync().put(&[sessions_of(1, 100)]).await;
    assert!(world.drops.take().is_empty(), "the entry's own message takes it out");
}

#[tokio::test]
async fn sec_ed_12_a_drop_that_comes_twice_or_too_early_does_no_harm() {
    let world = World::default();
    let orders: Vec<_> = (0..60).map(|number| session(number, 100)).collect();
    world.at(100).sync().put(&orders).await;
    let messages = world.drops.take();
    assert!(messages.iter().all(|it| it.delay_seconds == 365), "{messages:?}");
    assert_eq!(world.at(200).sync().drop(&of(&messages)).await, nothing());
    assert_eq!(world.store.entries().len(), 60);
    let again = world.drops.take();
    assert!(again.len() == 60 && again.iter().all(|it| it.delay_seconds == 265), "{again:?}");
    let due = world.at(465);
    assert_eq!(due.sync().drop(&of(&again)[..30]).await, nothing());
    assert_eq!(due.sync().drop(&[of(&again), of(&again)].concat()).await, nothing());
    assert!(world.store.entries().is_empty());
}

#[tokio::test]
async fn a_message_is_delayed_by_what_a_queue_takes() {
    let world = World::default();
    let all = DenyOrder { key: "all".to_owned(), value: "0 kid".to_owned(), until: 3_765, at: 100, user: None };
    world.at(100).sync().put(&[all]).await;
    assert_eq!(world.drops.take().first().map(|it| it.delay_seconds), Some(900));
}

#[tokio::test]
async fn sec_ed_12_the_sweep_takes_out_what_lost_its_message() {
    let world = World::default();
    world.at(100).sync().put(&(0..120).map(|number| session(number, 100)).collect::<Vec<_>>()).await;
    world.sync().put(&[sessions_of(500, 100)]).await;
    world.at(400).sync().put(&[session(900, 400)]).await;
    world.drops.take();
    assert_eq!(world.at(465).sync().sweep().await, Ok(120));
    assert_eq!(world.store.entries().len(), 2);
    assert_eq!(world.at(3_765).sync().sweep().await, Ok(2));
    assert!(world.store.entries().is_empty());
}

#[tokio::test]
async fn orders_wait_where_the_store_is_full_or_another_writer_never_rests() {
    let world = World::default();
    world.store.fill();
    assert_eq!(world.at(100).sync().put(&[session(1, 100)]).await, [0]);
    let world = World::default();
    world.store.conflict_for(6);
    assert_eq!(world.at(100).sync().put(&[session(1, 100)]).await, [0]);
    let world = World::default();
    world.store.conflict_for(5);
    assert_eq!(world.at(100).sync().put(&[session(1, 100)]).await, nothing());
    assert_eq!(world.watch.now().millis(), 100_250, "five pauses of at least 50 ms");
}

#[tokio::test]
async fn orders_whose_drops_could_not_be_queued_come_again() {
    let world = World::default();
    world.drops.refuse(true);
    assert_eq!(world.at(100).sync().put(&[session(1, 100), sessions_of(2, 100)]).await, [0, 1]);
    world.drops.refuse(false);
    assert_eq!(world.sync().put(&[session(1, 100), sessions_of(2, 100)]).await, nothing());
    world.drain().await;
    assert!(world.store.entries().is_empty());
}

#[tokio::test]
async fn sec_ed_15_too_many_retired_keys_hold_up_nobody_and_stay_refused() {
    let world = World::default();
    let kid = |number: u64| format!("2026-11-21-{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    for number in 1..=60 {
        let value = format!("0 {}", kid(number));
        let all = DenyOrder { key: "all".to_owned(), value, until: 3_765, at: 100, user: None };
        assert_eq!(world.at(100).sync().put(&[session(number.into(), 100), all]).await, nothing(), "{number}");
    }
    let entries = world.store.entries();
    assert_eq!(entries.len(), 61);
    let value = &entries["all"];
    assert!((1..=60).all(|number| value.contains(&kid(number)[19..])), "{value}");
    world.drain().await;
    assert!(world.store.entries().is_empty(), "{:?}", world.store.entries());
}

/// What each of two writers does next.
#[derive(Debug, Clone)]
enum Batch {
    Sessions(Vec<u128>),
    Users(Vec<(u128, i64)>),
}

fn batch() -> impl Strategy<Value = Batch> {
    prop_oneof![
        prop::collection::vec(0..200_u128, 1..80).prop_map(Batch::Sessions),
        prop::collection::vec((0..5_u128, 90..100_i64), 1..10).prop_map(Batch::Users),
    ]
}

fn orders(batch: &Batch) -> Vec<DenyOrder> {
    match batch {
        Batch::Sessions(numbers) => numbers.iter().map(|number| session(*number, 95)).collect(),
        Batch::Users(users) => users.iter().map(|(number, at)| sessions_of(*number, *at)).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sec_ed_11_two_at_once_lose_no_order_and_sec_ed_12_the_store_returns_to_empty(
        one in prop::collection::vec(batch(), 1..4),
        other in prop::collection::vec(batch(), 1..4),
        reversed in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let world = World::default();
            world.at(100);
            let run = |batches: Vec<Batch>| {
                let world = &world;
                async move {
                    let seen = LastSeen::default();
                    for batch in &batches {
                        let mut waiting = orders(batch);
                        // What a queue does with what failed.
                        while !waiting.is_empty() {
                            let failed = world.sync_of(&seen).put(&waiting).await;
                            waiting = failed.into_iter().map(|place| waiting[place].clone()).collect();
                        }
                    }
                }
            };
            let mut again = other.clone();
            if reversed {
                again.reverse();
            }
            futures::join!(run(one.clone()), run(other.clone()), run(again));
            let entries = world.store.entries();
            for order in one.iter().chain(&other).flat_map(orders) {
                let stored = entries.get(&order.key).unwrap_or_else(|| panic!("{order:?} is lost"));
                assert!(stored.parse::<i64>().unwrap() >= order.value.parse::<i64>().unwrap(), "{order:?} {stored}");
            }
            world.drain().await;
            assert!(world.store.entries().is_empty(), "{:?}", world.store.entries());
            assert!(world.watch.now().unix_seconds() <= 100 + 365 + 600);
        });
    }
}
