//! What a run does, what it takes, and what it refuses.

use wardgate::app::App;
use wardgate::domain::timestamp::Timestamp;
use wardgate::migrations::{Aim, Course, Definition, Judging, MIGRATIONS, Migration, Verdict};
use wardgate::store::edits::Item;
use wardgate::store::migrations::Selection;
use wardgate::use_cases::migrate::{Order, standing};

use super::{bytes, fill, finish, put_wrap_keys, run, run_of, to, trail};
use crate::harness::{EMAIL, OTHER_PASSWORD, START, TABLE, TestServer};

/// A migration of ours under another definition.
struct Other(&'static Definition);

impl Migration for Other {
    fn definition(&self) -> &'static Definition {
        self.0
    }
    fn selection(&self) -> Selection {
        MIGRATIONS[1].selection()
    }
    fn aim<'a>(&'a self, _app: &'a App, _now: Timestamp) -> Judging<'a, Option<Aim>> {
        Box::pin(async { Ok(Some(Aim::once())) })
    }
    fn up<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        MIGRATIONS[1].up(course, item)
    }
    fn down<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {
        MIGRATIONS[1].down(course, item)
    }
}

const ORIGINAL: Definition = Definition {
    number: "0005",
    name: "other",
    timestamp: "20261201000000",
    contract: true,
    repeats: false,
    source: "one",
};
const CHANGED: Definition = Definition { source: "another", ..ORIGINAL };

#[tokio::test]
async fn an_applied_migration_whose_source_changed_is_refused_both_ways() {
    let server = TestServer::start().await;
    fill(&server).await;
    assert!(run_of(&server, &[&Other(&ORIGINAL)], &Order::default()).await.unwrap().refused.is_none());
    let before = (bytes(&server).await, trail(&server).await);
    for order in [Order::default(), to("0000"), Order { dry_run: true, ..Order::default() }] {
        let refused = run_of(&server, &[&Other(&CHANGED)], &order).await.unwrap().refused.unwrap();
        assert_eq!(refused.code, "checksum_mismatch");
    }
    assert_eq!((bytes(&server).await, trail(&server).await), before);
    // Taken back by what applied it, the new one may begin.
    run_of(&server, &[&Other(&ORIGINAL)], &to("0000")).await.unwrap();
    assert_eq!(run_of(&server, &[&Other(&CHANGED)], &Order::default()).await.unwrap().finished.len(), 1);
}

#[tokio::test]
async fn what_a_later_release_applied_is_listed_with_its_contract_and_not_taken_back() {
    let server = TestServer::start().await;
    let all: Vec<&dyn Migration> = MIGRATIONS.iter().copied().chain([&Other(&ORIGINAL) as &dyn Migration]).collect();
    run_of(&server, &all, &Order::default()).await.unwrap();
    let listing = standing(&server.app, MIGRATIONS).await.unwrap();
    let last = &listing.migrations[MIGRATIONS.len()];
    assert_eq!((last.number.as_str(), last.contract, last.known, last.status), ("0005", true, false, "applied"));
    assert!(!last.due);
    assert!(run(&server, &Order::default()).await.unwrap().refused.is_none());
    assert_eq!(run(&server, &to("0001")).await.unwrap().refused.unwrap().code, "unknown_migration");
    assert_eq!(run(&server, &to("0009")).await.unwrap().refused.unwrap().code, "unknown_target");
}

#[tokio::test]
async fn a_dry_run_counts_what_a_run_changes_and_writes_nothing() {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    let before = server.items(TABLE, "").await.len();
    let contents = bytes(&server).await;
    server.store.reset();
    // In small parts, of which each begins where the one before ended.
    let mut order = Order { dry_run: true, seconds: Some(1), items_per_second: Some(40), ..Order::default() };
    let mut counted = Vec::new();
    for parts in 0.. {
        let report = run(&server, &order).await.unwrap();
        counted.extend(report.finished.into_iter().map(|step| (step.number, step.seen, step.changed)));
        if !report.more {
            assert!(parts > 2, "only {parts} parts");
            break;
        }
        assert!(report.running.is_some());
        order.resume = report.resume;
    }
    assert!(server.store.accesses().iter().all(|access| {
        let access = access.to_string();
        ["Scan", "Query", "GetItem", "DescribeTable"].iter().any(|read| access.contains(read))
    }));
    assert_eq!((server.items(TABLE, "").await.len(), bytes(&server).await), (before, contents));
    assert!(trail(&server).await.is_empty());
    let done = finish(&server, &Order::default()).await.into_iter().flat_map(|report| report.finished);
    // The second meets the first's own state, too.
    let done: Vec<_> = done.map(|step| (step.number, step.changed)).collect();
    assert_eq!(counted.iter().map(|(number, _, changed)| (number.clone(), *changed)).collect::<Vec<_>>(), done);
    assert_eq!(
        done,
        [("0001", 60), ("0002", 20), ("0003", 12), ("0004", 0)].map(|(number, changed)| (number.to_owned(), changed))
    );
    // Applied, those that repeat still say what is there.
    let again = run(&server, &Order { dry_run: true, ..Order::default() }).await.unwrap();
    assert_eq!(again.finished[0].tallies["sealed under version 2"], 60);
}

#[tokio::test]
async fn twice_is_once() {
    let server = TestServer::start().await;
    fill(&server).await;
    put_wrap_keys(&server, &[(1, -1), (2, 0)]);
    finish(&server, &Order::default()).await;
    let before = bytes(&server).await;
    server.clock.advance(1);
    assert!(run(&server, &Order::default()).await.unwrap().finished.is_empty());
    let again = Order { again: Some(server.app.clock.now()), ..Order::default() };
    let steps: Vec<u64> =
        finish(&server, &again).await.into_iter().flat_map(|it| it.finished).map(|step| step.changed).collect();
    assert_eq!(steps, [0, 0, 0]);
    assert_eq!(bytes(&server).await, before);
}

#[tokio::test]
async fn no_more_is_looked_at_in_a_second_and_written_at_a_time_than_is_allowed() {
    for (items, capacity) in [(20, 10_000), (10_000, 15)] {
        let server = TestServer::start().await;
        fill(&server).await;
        put_wrap_keys(&server, &[(1, -1), (2, 0)]);
        let order = Order {
            items_per_second: Some(items),
            capacity_per_second: Some(capacity),
            concurrent_writes: Some(3),
            seconds: Some(50),
            to: Some("0001".to_owned()),
            ..Order::default()
        };
        server.store.reset();
        let report = run(&server, &order).await.unwrap();
        let took = server.app.clock.now().since(START).as_millis();
        let step = report.finished.first().or(report.running.as_ref()).unwrap();
        // Between the first round and the last; the last is not waited for.
        assert!(took >= 3_000, "{items}, {capacity}: {} in {took} ms", step.seen);
        assert!(u128::from(step.seen) * 1000 <= (took + 1_000) * u128::from(items), "{} in {took} ms", step.seen);
        for round in server.store.rounds() {
            assert!(round.iter().filter(|operation| *operation == "UpdateItem").count() <= 3, "{round:?}");
        }
    }
}

#[tokio::test]
async fn a_run_stops_in_time_and_says_how_far_it_is() {
    let server = TestServer::start().await;
    fill(&server).await;
    let order = Order { seconds: Some(2), items_per_second: Some(20), ..Order::default() };
    let report = run(&server, &order).await.unwrap();
    let took = server.app.clock.now().since(START).as_secs();
    assert!((1..=3).contains(&took), "{took}");
    let step = report.running.unwrap();
    assert!(report.more && step.seen > 0 && step.total == Some(133), "{step:?}");
    assert!((10..=30).contains(&step.rate.unwrap()), "{step:?}");
    let left = step.seconds_left.unwrap();
    assert!((2..=8).contains(&left), "{step:?}");
    // As long as Lambda gives, whatever is asked for.
    let endless = Order { seconds: Some(100_000), items_per_second: Some(1), ..Order::default() };
    let began = server.app.clock.now();
    assert!(run(&server, &endless).await.unwrap().more);
    assert!(server.app.clock.now().since(began).as_secs() <= 60);
}

/// Migration 2 is for what the release before has left; what is counted now has an end from its beginning.
#[tokio::test]
async fn sec_en_02_counters_have_an_end_and_the_migration_leaves_it_as_it_is() {
    let server = TestServer::start().await;
    server.register(EMAIL, crate::harness::PASSWORD).await;
    for email in [EMAIL, "nobody@example.com"] {
        server.login(email, OTHER_PASSWORD).await;
    }
    let before = server.items(TABLE, "LIMIT#login_").await;
    assert!(before.iter().all(|item| item.contains_key("ttl")), "{before:?}");
    server.clock.advance(91 * 86_400);
    let reports = finish(&server, &to("0002")).await;
    let step = reports.iter().flat_map(|it| &it.finished).find(|step| step.number == "0002").unwrap();
    assert_eq!(step.changed, 0);
    assert_eq!(server.items(TABLE, "LIMIT#login_").await, before);
}
