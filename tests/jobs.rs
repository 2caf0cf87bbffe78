//! What a standalone server does without being asked, under leases: mails, events and erasures, by one replica at a time.

mod leases;
mod logouts;
mod shards;
mod webhook;

use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, ready};
use reqwest::Method;
use serde_json::json;
use wardgate::domain::event::Event;
use wardgate::outbound::{EventBus, OutboundError};
use wardgate_server::jobs::retries::MOST_TRIES;
use wardgate_server::jobs::stream::Turn;
use wardgate_server::jobs::{Jobs, JobsError};

use crate::harness::mail_edge::MailDisturbance;
use crate::harness::store_edge::Disturbance;
use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer};

/// A bus that notes what it takes, and can refuse it.
#[derive(Clone, Default)]
pub(crate) struct Bus(Arc<Mutex<(Vec<String>, usize)>>);

impl Bus {
    fn refuse(&self, times: usize) {
        self.0.lock().unwrap().1 = times;
    }

    pub(crate) fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }
}

impl EventBus for Bus {
    fn publish<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), OutboundError>> {
        let mut state = self.0.lock().unwrap();
        if state.1 > 0 {
            state.1 -= 1;
            return Box::pin(ready(Err(OutboundError::passing("the test", "refused"))));
        }
        state.0.extend(events.iter().map(|event| format!("{} {}", event.kind.name(), event.detail.user_id)));
        Box::pin(ready(Ok(())))
    }
}

/// A replica over the server's table, and its bus.
pub(crate) fn replica(server: &TestServer) -> (Jobs, Bus) {
    let bus = Bus::default();
    let transport = Box::new(server.mail_edge.clone());
    (Jobs::with(&server.app, server.connection(), transport, Box::new(bus.clone())).unwrap(), bus)
}

/// Until there is nothing more to do now.
async fn work(jobs: &mut Jobs) -> Turn {
    loop {
        let turn = jobs.turn().await;
        if turn != Turn::Worked {
            return turn;
        }
    }
}

async fn waiting(server: &TestServer) -> usize {
    server.items(TABLE, "MAILRETRY").await.len()
}

#[tokio::test]
async fn sa_10_what_happens_in_the_table_leads_to_mails_and_events_once() {
    let server = TestServer::start().await;
    let ((mut one, bus), (mut other, others)) = (replica(&server), replica(&server));
    assert_eq!(work(&mut one).await, Turn::Idle);
    server.register(EMAIL, PASSWORD).await;
    for _ in 0..2 {
        assert_eq!((work(&mut other).await, work(&mut one).await), (Turn::Idle, Turn::Idle));
    }
    assert_eq!(server.arrived(EMAIL).len(), 1);
    assert_eq!(bus.taken().iter().filter(|event| event.starts_with("account.created")).count(), 1);
    assert_eq!(others.taken(), Vec::<String>::new());
    // Renewing a lease and noting a checkpoint are changes themselves, and come to nothing.
    server.clock.advance(11);
    work(&mut one).await;
    server.store.reset();
    for _ in 0..5 {
        assert_eq!(one.turn().await, Turn::Idle);
    }
    let asked = server.store.rounds().concat();
    assert!(!asked.contains(&"UpdateItem".to_owned()), "a checkpoint leads to a checkpoint: {asked:?}");
}

#[tokio::test]
async fn sa_09_what_a_killed_replica_did_goes_on_within_35_seconds_and_nothing_is_lost_or_done_again() {
    let server = TestServer::start().await;
    let ((mut one, _), (mut other, others)) = (replica(&server), replica(&server));
    work(&mut one).await;
    server.register(EMAIL, PASSWORD).await;
    work(&mut one).await;
    assert_eq!(server.arrived(EMAIL).len(), 1);
    // It says nothing more.
    drop(one);
    server.register("grace@example.com", PASSWORD).await;
    let mut after = None;
    for second in 1..=40 {
        server.clock.advance(1);
        work(&mut other).await;
        if after.is_none() && !server.arrived("grace@example.com").is_empty() {
            after = Some(second);
        }
    }
    assert!(after.is_some_and(|seconds| (20..=35).contains(&seconds)), "{after:?}");
    assert_eq!((server.arrived(EMAIL).len(), server.arrived("grace@example.com").len()), (1, 1));
    assert_eq!(others.taken().iter().filter(|event| event.starts_with("account.created")).count(), 1);
}

#[tokio::test]
async fn sa_09_a_replica_that_stops_gives_its_leases_back_and_another_goes_on_at_once() {
    let server = TestServer::start().await;
    let ((mut one, _), (mut other, _)) = (replica(&server), replica(&server));
    work(&mut one).await;
    work(&mut other).await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let running = one.start(stopping);
    stop.send(true).unwrap();
    running.await.unwrap();
    server.register(EMAIL, PASSWORD).await;
    server.clock.advance(5);
    work(&mut other).await;
    assert_eq!(server.arrived(EMAIL).len(), 1);
}

#[tokio::test]
async fn sa_09_a_replica_that_was_frozen_does_nothing_that_another_has_taken_over() {
    let server = TestServer::start().await;
    let ((mut frozen, bus), (mut other, _)) = (replica(&server), replica(&server));
    work(&mut frozen).await;
    server.register(EMAIL, PASSWORD).await;
    server.clock.advance(60);
    work(&mut other).await;
    assert_eq!(server.arrived(EMAIL).len(), 1);
    assert_eq!(work(&mut frozen).await, Turn::Waiting);
    assert_eq!((server.arrived(EMAIL).len(), bus.taken()), (1, Vec::new()));
    // Nor does it take anything back.
    server.register("grace@example.com", PASSWORD).await;
    work(&mut frozen).await;
    assert!(server.arrived("grace@example.com").is_empty());
    work(&mut other).await;
    assert_eq!(server.arrived("grace@example.com").len(), 1);
}

#[tokio::test]
async fn sa_10_what_a_handler_does_not_take_comes_again_and_holds_back_what_is_behind_it() {
    let server = TestServer::start().await;
    let (mut jobs, bus) = replica(&server);
    work(&mut jobs).await;
    bus.refuse(3);
    server.register(EMAIL, PASSWORD).await;
    for _ in 0..3 {
        jobs.turn().await;
        assert_eq!(bus.taken(), Vec::<String>::new());
    }
    assert_eq!(work(&mut jobs).await, Turn::Idle);
    let taken = bus.taken();
    assert_eq!(taken.iter().filter(|event| event.starts_with("account.created")).count(), 1, "{taken:?}");
    // A table that does not answer loses nothing either.
    for disturbance in [Disturbance::ServerError, Disturbance::Throttled] {
        server.register("grace@example.com", PASSWORD).await;
        server.store.disturb("UpdateItem", disturbance, 12);
        for _ in 0..10 {
            work(&mut jobs).await;
            server.clock.advance(6);
        }
    }
    assert!(!server.arrived("grace@example.com").is_empty());
}

#[tokio::test]
async fn sa_11_a_mail_that_is_not_taken_waits_by_itself_and_holds_nobody_up() {
    let server = TestServer::start().await;
    let (mut jobs, _) = replica(&server);
    work(&mut jobs).await;
    server.mail_edge.disturb(MailDisturbance::Refused, 1);
    server.register(EMAIL, PASSWORD).await;
    work(&mut jobs).await;
    server.register("grace@example.com", PASSWORD).await;
    work(&mut jobs).await;
    assert_eq!((server.arrived(EMAIL).len(), server.arrived("grace@example.com").len()), (0, 1));
    assert_eq!(waiting(&server).await, 1);
    server.clock.advance(9);
    work(&mut jobs).await;
    assert_eq!(server.arrived(EMAIL).len(), 0);
    server.mail_edge.disturb(MailDisturbance::Refused, 1);
    server.clock.advance(1);
    work(&mut jobs).await;
    assert_eq!((server.arrived(EMAIL).len(), waiting(&server).await), (0, 1));
    server.clock.advance(20);
    work(&mut jobs).await;
    assert_eq!((server.arrived(EMAIL).len(), waiting(&server).await), (1, 0));
}

#[tokio::test]
async fn sa_11_after_twenty_tries_a_mail_is_set_aside() {
    let server = TestServer::start().await;
    let (mut jobs, _) = replica(&server);
    work(&mut jobs).await;
    server.mail_edge.disturb(MailDisturbance::Refused, 1000);
    server.register(EMAIL, PASSWORD).await;
    work(&mut jobs).await;
    for tries in 1..MOST_TRIES {
        assert_eq!((waiting(&server).await, server.items(TABLE, "MAILFAILED").await.len()), (1, 0), "{tries}");
        server.clock.advance(3600);
        work(&mut jobs).await;
    }
    let failed = server.items(TABLE, "MAILFAILED").await;
    assert_eq!((waiting(&server).await, failed.len()), (0, 1));
    assert_eq!(failed[0]["tries"].as_n().unwrap(), &MOST_TRIES.to_string());
    assert!(failed[0].contains_key("ttl"));
    server.mail_edge.mend();
    server.clock.advance(3600);
    work(&mut jobs).await;
    assert_eq!(server.arrived(EMAIL).len(), 0);
}

#[tokio::test]
async fn sa_11_what_was_refused_for_good_is_not_tried_again() {
    let server = TestServer::start().await;
    let (mut jobs, _) = replica(&server);
    work(&mut jobs).await;
    server.mail_edge.disturb(MailDisturbance::RefusedForGood, 1);
    server.register(EMAIL, PASSWORD).await;
    work(&mut jobs).await;
    server.clock.advance(60);
    work(&mut jobs).await;
    assert_eq!((server.arrived(EMAIL).len(), waiting(&server).await), (0, 0));
}

#[tokio::test]
async fn sa_13_accounts_are_erased_every_quarter_of_an_hour_by_one_replica() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__DELETION_GRACE_SECONDS", "3600")]).await;
    let ((mut one, _), (mut other, _)) = (replica(&server), replica(&server));
    let access = server.signed_in().await.string("access_token");
    work(&mut one).await;
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/me", &access).await.status, 202);
    let accounts = async || server.items(TABLE, "USER#").await.len();
    // Just before the grace is over it looks once more.
    server.clock.advance(3590);
    work(&mut one).await;
    assert_ne!(accounts().await, 0);
    for _ in 0..14 {
        server.clock.advance(20);
        work(&mut other).await;
        work(&mut one).await;
    }
    assert_ne!(accounts().await, 0, "it looks more often than it has to");
    for _ in 0..32 {
        server.clock.advance(20);
        work(&mut one).await;
    }
    assert_eq!(accounts().await, 0);
}

#[tokio::test]
async fn sa_11_a_server_that_would_lose_mails_does_not_start() {
    let server = TestServer::start().await;
    let refused = |transport: Option<&str>| {
        let mut environment = vec![("AUTH__STAGE", "development")];
        environment.extend(transport.map(|transport| ("AUTH__MAIL__TRANSPORT", transport)));
        environment.push(("AUTH__MAIL__SMTP__HOST", "localhost"));
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = wardgate::config::Config::load(environment).unwrap();
        let app = Arc::new(server.app.with(config));
        Jobs::new(&app, server.connection()).err()
    };
    let said = refused(None).map(|error: JobsError| error.to_string()).unwrap();
    assert!(said.contains("AUTH__MAIL__TRANSPORT") && said.contains("AUTH__JOBS__ENABLED=false"), "{said}");
    assert!(refused(Some("smtp")).is_none() && refused(Some("ses")).is_none());
}

/// Beside the pump of `make run`, which it is to be as good as.
#[tokio::test]
async fn sa_10_a_reset_goes_the_whole_way() {
    let server = TestServer::start().await;
    let (mut jobs, _) = replica(&server);
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    work(&mut jobs).await;
    let before = server.arrived(EMAIL).len();
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status, 202);
    work(&mut jobs).await;
    assert_eq!(server.arrived(EMAIL).len(), before + 1);
}
