//! What stands between the requests of a server and its store (SA-06): so many calls at a time, over as many connections,
//! which are kept. Whose request came first is next, so that what has been begun, and may have been hashed, is finished
//! before anything else begins. Nobody waits for what would come too late, and while those who wait would wait long,
//! nothing new is begun at all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt as _;
use thiserror::Error;
use tokio::sync::oneshot;
use wardgate::aws::Connection;

/// How many calls to the store are under way at a time, and so how many connections there are.
const CALLS: usize = 64;
/// How long whoever waits may have to wait, as far as can be told, before nothing new is begun. With what a call itself
/// takes it stays under `aws.attempt_timeout_ms`: a call that is given up while it waits is begun anew.
const LONGEST_WAIT: Duration = Duration::from_millis(400);
/// How many may wait for each that is under way, however fast they are.
const WAITING: usize = 4;

/// Calls to the table begin with this; secrets, mails and streams have no part in it.
const OF_THE_TABLE: &str = "DynamoDB_20120810.";

tokio::task_local! {
    static TURN: Turn;
}

/// When a request came, and until when it has to be answered.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    number: u64,
    deadline: Instant,
}

impl Turn {
    /// Answers a request that came just now: what it asks of the store has its turn by that.
    #[expect(clippy::disallowed_methods, reason = "how long something takes is measured")]
    pub async fn of<T>(patience: Duration, answering: impl Future<Output = T>) -> T {
        static CAME: AtomicU64 = AtomicU64::new(1);
        let turn = Self { number: CAME.fetch_add(1, Ordering::Relaxed), deadline: Instant::now() + patience };
        TURN.scope(turn, answering).await
    }

    /// What is nobody's request, such as the renewing of a lease, is little and comes first.
    fn mine() -> Option<Self> {
        TURN.try_with(|turn| *turn).ok()
    }
}

/// Why a call is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the store has too much to do for this request's time")]
struct TooLate;

/// The gate.
#[derive(Debug)]
pub struct StoreGate {
    most: usize,
    longest_wait: Duration,
    places: Mutex<Places>,
    waiting: AtomicUsize,
    /// Microseconds that a call takes: the last ones count most.
    usual: AtomicU64,
}

#[derive(Debug)]
struct Places {
    free: usize,
    /// By whose request came first, and then by who asked first.
    waiting: BTreeMap<(u64, u64), oneshot::Sender<Place>>,
    asked: u64,
}

/// Whoever has it may make a call; it is given on when it is dropped.
#[derive(Debug)]
struct Place(Arc<StoreGate>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.next();
    }
}

impl StoreGate {
    /// A server's.
    pub fn of_a_server() -> Arc<Self> {
        Self::new(CALLS, LONGEST_WAIT)
    }

    /// A gate for so many calls at a time, behind which nobody has to wait for longer than this, as far as can be told.
    pub fn new(most: usize, longest_wait: Duration) -> Arc<Self> {
        let places = Places { free: most, waiting: BTreeMap::new(), asked: 0 };
        Arc::new(Self {
            most,
            longest_wait,
            places: Mutex::new(places),
            waiting: AtomicUsize::new(0),
            usual: AtomicU64::new(0),
        })
    }

    /// The same connection, through this gate.
    pub fn before(self: &Arc<Self>, connection: Connection) -> Connection {
        let client = Gated { inner: connection.http_client, gate: Arc::clone(self) };
        Connection { http_client: SharedHttpClient::new(client), ..connection }
    }

    /// Whether nothing new may be begun: what waits already would wait too long.
    pub fn is_crowded(&self) -> bool {
        let waiting = self.waiting.load(Ordering::Relaxed);
        waiting >= WAITING * self.most || waiting >= self.most && self.wait(waiting) > self.longest_wait
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How long a call waits behind so many others, as far as can be told from what the last ones took.
    fn wait(&self, others: usize) -> Duration {
        let usual = Duration::from_micros(self.usual.load(Ordering::Relaxed));
        usual.saturating_mul(u32::try_from(others).unwrap_or(u32::MAX)) / u32::try_from(self.most).unwrap_or(1).max(1)
    }

    /// Waits for a place.
    #[expect(clippy::disallowed_methods, reason = "how long something takes is measured")]
    async fn enter(self: &Arc<Self>, turn: Option<Turn>) -> Result<Place, TooLate> {
        let left = turn.map_or(Duration::MAX, |turn| turn.deadline.saturating_duration_since(Instant::now()));
        let usual = Duration::from_micros(self.usual.load(Ordering::Relaxed));
        let coming = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let number = turn.map_or(0, |turn| turn.number);
            let before = places.waiting.range(..(number, u64::MAX)).count();
            if left.is_zero() || self.wait(before) + usual > left {
                return Err(TooLate);
            }
            if places.free > 0 {
                places.free -= 1;
                return Ok(Place(Arc::clone(self)));
            }
            let (give, coming) = oneshot::channel();
            places.asked += 1;
            let key = (number, places.asked);
            places.waiting.insert(key, give);
            Coming { gate: Arc::clone(self), key, place: coming }
        };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        coming.place().await
    }

    /// Gives a place on to who is next, or keeps it.
    fn next(self: &Arc<Self>) {
        let next = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            let next = places.waiting.pop_first();
            if next.is_none() {
                places.free += 1;
            }
            next
        };
        // Whoever is not there any more drops it, and so gives it on.
        if let Some((_, give)) = next {
            drop(give.send(Place(Arc::clone(self))));
        }
    }

    /// An eighth of the way from what was usual to what was just seen. Two at once may lose one of them, which is no matter.
    fn learn(&self, seen: Duration) {
        let seen = u64::try_from(seen.as_micros()).unwrap_or(u64::MAX);
        let known = self.usual.load(Ordering::Relaxed);
        let learnt = if known == 0 { seen } else { known - known / 8 + seen / 8 };
        self.usual.store(learnt, Ordering::Relaxed);
    }
}

/// Somebody who waits. Whoever gives up leaves no name behind.
struct Coming {
    gate: Arc<StoreGate>,
    key: (u64, u64),
    place: oneshot::Receiver<Place>,
}

impl Coming {
    async fn place(mut self) -> Result<Place, TooLate> {
        (&mut self.place).await.map_err(|_| TooLate)
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.gate.waiting.fetch_sub(1, Ordering::Relaxed);
        self.gate.places.lock().unwrap_or_else(PoisonError::into_inner).waiting.remove(&self.key);
    }
}

/// An HTTP client behind a gate.
#[derive(Debug)]
struct Gated {
    inner: SharedHttpClient,
    gate: Arc<StoreGate>,
}

impl HttpClient for Gated {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, gate: Arc::clone(&self.gate) })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    gate: Arc<StoreGate>,
}

impl HttpConnector for Connector {
    #[expect(clippy::disallowed_methods, reason = "how long something takes is measured")]
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if !request.headers().get("x-amz-target").is_some_and(|target| target.starts_with(OF_THE_TABLE)) {
            return self.inner.call(request);
        }
        let (inner, gate, turn) = (self.inner.clone(), Arc::clone(&self.gate), Turn::mine());
        HttpConnectorFuture::new(async move {
            // Of no kind that is tried again: the next try would find no more time.
            let place = gate.enter(turn).await.map_err(|late| ConnectorError::other(late.into(), None))?;
            let began = Instant::now();
            let mut answer = inner.call(request).await?;
            // Read here, so that the connection is free again when the place is.
            let body = std::mem::replace(answer.body_mut(), SdkBody::taken());
            let whole = body.collect().await.map_err(ConnectorError::io)?;
            *answer.body_mut() = SdkBody::from(whole.to_bytes());
            gate.learn(began.elapsed());
            drop(place);
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "what is nobody's has none")]
    fn turn(number: u64, patience: Duration) -> Option<Turn> {
        #[expect(clippy::disallowed_methods, reason = "a deadline far away, or past")]
        Some(Turn { number, deadline: Instant::now() + patience })
    }

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn sec_sa_06_no_more_calls_are_made_at_a_time_than_there_are_places() {
        let gate = StoreGate::new(3, LONGEST_WAIT);
        let mut places: Vec<Place> =
            (0..3).map(|number| gate.enter(turn(number, LONG)).now_or_never().unwrap().unwrap()).collect();
        let mut fourth = Box::pin(gate.enter(turn(9, LONG)));
        assert!(fourth.as_mut().now_or_never().is_none());
        assert_eq!(gate.waiting(), 1);
        drop(places.pop());
        assert!(fourth.as_mut().now_or_never().unwrap().is_ok());
        assert_eq!(gate.waiting(), 0);
    }

    #[test]
    fn sec_sa_06_whose_request_came_first_is_next_and_what_is_nobodys_before_that() {
        let gate = StoreGate::new(1, LONGEST_WAIT);
        let mut taken = Some(gate.enter(turn(1, LONG)).now_or_never().unwrap().unwrap());
        let turns = [turn(7, LONG), turn(3, LONG), turn(5, LONG), None, turn(3, LONG)];
        let mut waiting: Vec<_> = turns.into_iter().map(|turn| Some(Box::pin(gate.enter(turn)))).collect();
        for one in waiting.iter_mut().flatten() {
            assert!(one.as_mut().now_or_never().is_none());
        }
        // The request that came fifth has gone away.
        waiting[2] = None;
        let mut order = Vec::new();
        while order.len() < 4 {
            drop(taken.take());
            for (index, one) in waiting.iter_mut().enumerate() {
                if let Some(Ok(place)) = one.as_mut().and_then(|one| one.as_mut().now_or_never()) {
                    order.push(index);
                    taken = Some(place);
                    *one = None;
                }
            }
        }
        assert_eq!(order, [3, 1, 4, 0]);
        drop(taken);
        assert_eq!((gate.waiting(), gate.places.lock().unwrap().free), (0, 1), "nothing is lost");
    }

    #[test]
    fn sec_sa_06_nobody_waits_for_what_would_come_too_late() {
        let gate = StoreGate::new(1, LONGEST_WAIT);
        assert!(gate.enter(turn(1, Duration::ZERO)).now_or_never().unwrap().is_err(), "its time is over");
        gate.learn(Duration::from_secs(2));
        assert!(gate.enter(turn(1, Duration::from_secs(1))).now_or_never().unwrap().is_err(), "a call takes two");
        let _taken = gate.enter(turn(2, LONG)).now_or_never().unwrap().unwrap();
        let mut waits = Box::pin(gate.enter(turn(3, LONG)));
        assert!(waits.as_mut().now_or_never().is_none());
        assert!(gate.enter(turn(4, Duration::from_secs(3))).now_or_never().unwrap().is_err(), "one waits before it");
        assert!(gate.enter(turn(1, Duration::from_secs(3))).now_or_never().is_none(), "and behind this one");
        assert_eq!(gate.waiting(), 1);
    }

    #[test]
    fn sec_sa_06_nothing_new_is_begun_while_those_who_wait_would_wait_long() {
        let gate = StoreGate::new(2, LONGEST_WAIT);
        let _taken: Vec<Place> = (0..2).map(|_| gate.enter(None).now_or_never().unwrap().unwrap()).collect();
        let mut waiting: Vec<_> = (0..4).map(|number| Box::pin(gate.enter(turn(number, LONG)))).collect();
        for one in &mut waiting {
            assert!(one.as_mut().now_or_never().is_none());
        }
        gate.learn(Duration::from_millis(100));
        assert!(!gate.is_crowded(), "200 ms");
        for _ in 0..20 {
            gate.learn(Duration::from_millis(300));
        }
        assert!(gate.is_crowded(), "600 ms");
        waiting.truncate(1);
        assert!(!gate.is_crowded(), "fewer than are made at a time may always wait");
    }
}
