//! Between the SDK and the engine: counts what passes, and can disturb it.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

/// An action that IAM knows, what it was done to, and in which partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    pub action: String,
    pub resource: String,
    pub partition: String,
}

impl Access {
    pub fn new(action: &str, resource: &str, partition: &str) -> Self {
        Self { action: action.to_owned(), resource: resource.to_owned(), partition: partition.to_owned() }
    }

    /// The same on another table, where it is on this one.
    pub fn on(&self, resource: &str, other: &str) -> Self {
        let resource = if self.resource == resource { other } else { &self.resource };
        Self { resource: resource.to_owned(), ..self.clone() }
    }

    /// One part of a request, or all of it.
    fn of(action: &str, part: &Value) -> Self {
        let table = part["TableName"].as_str().unwrap_or_default();
        let keys = [&part["Key"]["pk"], &part["Item"]["pk"], &part["ExpressionAttributeValues"][":pk"]];
        let key = keys.iter().find_map(|key| key["S"].as_str()).unwrap_or_default();
        Self::new(&format!("dynamodb:{action}"), table.strip_suffix("-development").unwrap_or(table), key)
    }

    /// Any partition of the same kind: the kind stands before the first `#`.
    fn of_kind(self) -> Self {
        let partition = self.partition.split_once('#').map(|(kind, _)| format!("{kind}#*"));
        Self { partition: partition.unwrap_or(self.partition), ..self }
    }

    /// Of the trail, whose partitions end with a month, any month of the same subject.
    fn of_any_month(self) -> Self {
        let partition = self.partition.rsplit_once('#').filter(|_| self.resource == "wardgate-audit");
        let partition = partition.map(|(subject, _)| format!("{subject}#*"));
        Self { partition: partition.unwrap_or_else(|| self.partition.clone()), ..self }
    }

    /// IAM has no action for a transaction: its items count as what they would be alone.
    fn all_of(operation: &str, body: &Value) -> Vec<Self> {
        if operation != "TransactWriteItems" {
            return vec![Self::of(operation, body)];
        }
        let items = body["TransactItems"].as_array().into_iter().flatten();
        let parts = items.filter_map(Value::as_object).flatten();
        parts.map(|(kind, part)| Self::of(&format!("{kind}Item"), part)).collect()
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}, {}", self.action, self.resource, self.partition)
    }
}

/// What happens to a request instead of, or after, reaching the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// A transaction is cancelled because somebody else is at the same items.
    TransactionConflict,
    /// The table is throttled.
    Throttled,
    /// The service fails.
    ServerError,
    /// No answer ever comes; the request did not arrive.
    Timeout,
    /// No answer ever comes, though the request was carried out.
    LostAnswer,
    /// The role has no right to this.
    AccessDenied,
}

/// How a process dies, or only seems to, once so many of its requests have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The requests that passed are answered; nothing after them arrives.
    Refused,
    /// The last one that passed is carried out, but its answer does not come; nothing after it arrives.
    Unheard,
    /// The last one that passed is carried out, but its answer does not come; everything after it passes.
    Blip,
}

/// A request that waits until it is let go.
#[derive(Debug, Default)]
pub struct Held {
    reached: Notify,
    released: Notify,
}

impl Held {
    /// What the request does: says that it is there, and waits.
    pub async fn wait(&self) {
        self.reached.notify_one();
        self.released.notified().await;
    }

    /// Waits until the request is there.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.released.notify_one();
    }
}

/// Stops every request at the items of accounts, until it is let on by itself.
#[derive(Debug, Default)]
pub struct Gate {
    waiting: Mutex<Vec<Waiting>>,
    /// Told of each arrival.
    pub changed: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    label: String,
    go: oneshot::Sender<()>,
    done: oneshot::Receiver<()>,
}

impl Gate {
    /// Another one, whose arrivals are told to whoever watches this one.
    #[must_use]
    pub fn second(&self) -> Self {
        Self { changed: Arc::clone(&self.changed), ..Self::default() }
    }

    /// What waits, in an order that does not depend on chance.
    pub fn waiting(&self) -> Vec<String> {
        let mut labels: Vec<String> =
            self.waiting.lock().unwrap().iter().map(|waiting| waiting.label.clone()).collect();
        labels.sort();
        labels
    }

    /// Lets one of them on, and waits until it is answered.
    pub async fn pass(&self, label: &str) {
        let waiting = {
            let mut all = self.waiting.lock().unwrap();
            let index = all.iter().position(|waiting| waiting.label == label).unwrap();
            all.remove(index)
        };
        waiting.go.send(()).unwrap();
        waiting.done.await.unwrap();
    }

    /// A place in it, for a request that it stops: one at the profile, the session or the address of an account, or a
    /// transaction. The counters of limits and the trail decide nothing about credentials.
    fn enter(&self, operation: &str, body: &Value) -> Option<Pass> {
        let key = [&body["Key"], &body["ExpressionAttributeValues"]];
        let partition = key.iter().find_map(|key| key["pk"]["S"].as_str().or(key[":pk"]["S"].as_str()));
        let of_account = partition.is_some_and(|pk| pk.starts_with("EMAIL#") || pk.starts_with("USER#"));
        // Queries and deletions clear away what is left once a transaction has decided.
        let decides = matches!(operation, "GetItem" | "UpdateItem") && of_account;
        let stops = decides || operation == "TransactWriteItems";
        if !stops {
            return None;
        }
        let sort = body["Key"]["sk"]["S"].as_str().unwrap_or_default();
        let kind = sort.split('#').next().unwrap_or_default();
        let ((go, gone), (finish, done)) = (oneshot::channel(), oneshot::channel());
        self.waiting.lock().unwrap().push(Waiting { label: format!("{operation} {kind}"), go, done });
        self.changed.notify_one();
        Some(Pass { gone, finish })
    }
}

#[derive(Debug)]
struct Pass {
    gone: oneshot::Receiver<()>,
    finish: oneshot::Sender<()>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    Started(String),
    Finished,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Event>,
    accesses: BTreeSet<Access>,
    disturbances: VecDeque<(&'static str, Disturbance, u32)>,
    /// How many requests still pass before the process seems to have died.
    left: Option<(usize, Crash)>,
    holds: Vec<(&'static str, Arc<Held>)>,
    gate: Option<Arc<Gate>>,
}

impl State {
    /// What the coming crash does to the next request.
    fn crash(&mut self) -> Option<Disturbance> {
        let (left, crash) = self.left?;
        self.left = Some((left.saturating_sub(1), crash));
        match (left, crash) {
            (0, _) => Some(Disturbance::AccessDenied),
            (1, Crash::Unheard) => Some(Disturbance::LostAnswer),
            (1, Crash::Blip) => {
                self.left = None;
                Some(Disturbance::LostAnswer)
            }
            _ => None,
        }
    }
}

/// The HTTP client that the App is given.
#[derive(Debug, Clone)]
pub struct StoreEdge {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

impl StoreEdge {
    pub fn new(inner: SharedHttpClient) -> Self {
        Self { inner, state: Arc::default() }
    }

    /// Disturbs the next `times` requests of this operation.
    pub fn disturb(&self, operation: &'static str, disturbance: Disturbance, times: u32) {
        self.state.lock().unwrap().disturbances.push_back((operation, disturbance, times));
    }

    /// Lets so many requests pass and refuses every other one, as if whoever makes them had died there.
    pub fn cut_after(&self, requests: usize) {
        self.crash_after(requests, Crash::Refused);
    }

    /// Lets so many requests pass, and then crashes.
    pub fn crash_after(&self, requests: usize, crash: Crash) {
        self.state.lock().unwrap().left = Some((requests, crash));
    }

    /// Holds the next request of this operation on its way.
    pub fn hold(&self, operation: &'static str) -> Arc<Held> {
        let held = Arc::new(Held::default());
        self.state.lock().unwrap().holds.push((operation, Arc::clone(&held)));
        held
    }

    /// Stops the requests at the items of accounts from now on, or no longer.
    pub fn guard(&self, gate: Option<Arc<Gate>>) {
        self.state.lock().unwrap().gate = gate;
    }

    /// Lets everything pass again.
    pub fn mend(&self) {
        self.state.lock().unwrap().left = None;
    }

    /// Forgets what has passed so far.
    pub fn reset(&self) {
        let mut state = self.state.lock().unwrap();
        state.events.clear();
        state.accesses.clear();
    }

    /// What has passed, in rounds: requests of one round were all under way before any of it was answered.
    pub fn rounds(&self) -> Vec<Vec<String>> {
        let mut rounds = vec![Vec::new()];
        let mut answered = false;
        for event in &self.state.lock().unwrap().events {
            match event {
                Event::Started(operation) => {
                    if answered {
                        rounds.push(Vec::new());
                        answered = false;
                    }
                    rounds.last_mut().unwrap().push(operation.clone());
                }
                Event::Finished => answered = true,
            }
        }
        for round in &mut rounds {
            round.sort();
        }
        rounds.retain(|round| !round.is_empty());
        rounds
    }

    /// What has been asked for, in IAM's terms.
    pub fn accesses(&self) -> BTreeSet<Access> {
        self.state.lock().unwrap().accesses.iter().cloned().map(Access::of_kind).collect()
    }

    /// The same with the very partitions.
    pub fn exact_accesses(&self) -> BTreeSet<Access> {
        self.state.lock().unwrap().accesses.iter().cloned().map(Access::of_any_month).collect()
    }

    /// How many requests have passed.
    pub fn count(&self) -> usize {
        self.rounds().iter().map(Vec::len).sum()
    }
}

impl HttpClient for StoreEdge {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Connector { inner, state: Arc::clone(&self.state) })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    state: Arc<Mutex<State>>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let state = Arc::clone(&self.state);
        let (disturbance, held, pass) = {
            let mut state = state.lock().unwrap();
            state.accesses.extend(Access::all_of(&operation, &body));
            state.events.push(Event::Started(operation.clone()));
            let crash = state.crash();
            let held = state.holds.iter().position(|(name, _)| *name == operation);
            let held = held.map(|index| state.holds.remove(index).1);
            let planned = state.disturbances.iter_mut().find(|(name, _, times)| *name == operation && *times > 0);
            let planned = planned.map(|(_, disturbance, times)| {
                *times -= 1;
                *disturbance
            });
            let pass = state.gate.as_ref().and_then(|gate| gate.enter(&operation, &body));
            (crash.or(planned), held, pass)
        };
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            if let Some(held) = held {
                held.wait().await;
            }
            let mut finish = None;
            if let Some(pass) = pass {
                pass.gone.await.map_err(|_| ConnectorError::io("the gate is gone".into()))?;
                finish = Some(pass.finish);
            }
            let answer = match disturbance {
                None | Some(Disturbance::LostAnswer) => Some(inner.call(request).await),
                Some(_) => None,
            };
            let answer = match (disturbance, answer) {
                (None, Some(answer)) => answer,
                (Some(Disturbance::TransactionConflict), _) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"Transaction cancelled","CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"},{"Code":"None"}]}"#,
                )),
                (Some(Disturbance::Throttled), _) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}"#,
                )),
                (Some(Disturbance::ServerError), _) => Ok(refusal(
                    500,
                    r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal"}"#,
                )),
                (Some(Disturbance::AccessDenied), _) => Ok(refusal(
                    400,
                    r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"not authorized"}"#,
                )),
                (Some(Disturbance::LostAnswer), _) => Err(ConnectorError::io("the connection broke".into())),
                (Some(Disturbance::Timeout), _) | (None, None) => std::future::pending().await,
            };
            state.lock().unwrap().events.push(Event::Finished);
            if let Some(finish) = finish {
                // Nobody waits where the test is over.
                let _ = finish.send(());
            }
            answer
        })
    }
}

fn refusal(status: u16, body: &'static str) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}
