//! Secrets Manager as far as the SDK can tell: versions and labels, answered below it. It can be down, slow or wrong, and
//! whoever asks can be made to die or to wait between any two requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use super::secret_versions::{Refusal, Secret};
use super::store_edge::{Access, Crash, Held};

/// What every secret's name begins with.
pub const PREFIX: &str = "wardgate/development/";

/// How it is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Up,
    /// Every request gets 500.
    Down,
    /// No answer ever comes.
    Slow,
    /// The secret is not a ring.
    Garbage,
    /// The role has no right to it.
    Denied,
    /// The secret exists, and its first rotation has not been.
    Empty,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    secrets: BTreeMap<String, Secret>,
    read: Vec<String>,
    accesses: BTreeSet<Access>,
    /// How many requests still pass before the process that asks seems to have died.
    left: Option<(usize, Crash)>,
    /// How many requests pass before one waits.
    held: Option<(usize, Arc<Held>)>,
}

/// Wraps the client that the App is given: requests to `DynamoDB` pass through.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    inner: SharedHttpClient,
    state: Arc<Mutex<State>>,
}

impl SecretsManager {
    /// Holds the rings of a key file.
    pub fn new(inner: SharedHttpClient, keys: &str) -> Self {
        let rings: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap();
        let secrets = rings.into_iter().map(|(name, ring)| (name, Secret::with_value(ring.to_string()))).collect();
        let (read, accesses) = (Vec::new(), BTreeSet::new());
        let state = State { mood: Mood::Up, secrets, read, accesses, left: None, held: None };
        Self { inner, state: Arc::new(Mutex::new(state)) }
    }

    pub fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// Changes a ring, as a rotation does.
    pub fn rotate(&self, ring: &str, change: impl FnOnce(&mut Value)) {
        self.with(ring, |secret| secret.change(change));
    }

    /// Does something with a secret past its API.
    pub fn with<R>(&self, ring: &str, look: impl FnOnce(&mut Secret) -> R) -> R {
        look(self.state.lock().unwrap().secrets.get_mut(ring).unwrap())
    }

    /// Takes every value away: secrets as a template makes them.
    pub fn clear(&self) {
        self.state.lock().unwrap().secrets.values_mut().for_each(|secret| *secret = Secret::default());
    }

    /// The rings that were asked for since the last time, in order.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().read)
    }

    /// What was asked for since the last time, in IAM's terms.
    pub fn accesses(&self) -> BTreeSet<Access> {
        std::mem::take(&mut self.state.lock().unwrap().accesses)
    }

    /// Lets so many requests pass, and then crashes.
    pub fn crash_after(&self, requests: usize, crash: Crash) {
        self.state.lock().unwrap().left = Some((requests, crash));
    }

    /// Lets everything pass again, and says whether the crash had come.
    pub fn mend(&self) -> bool {
        self.state.lock().unwrap().left.take().is_none_or(|(left, _)| left == 0)
    }

    /// Lets so many requests pass, and holds the one after them.
    pub fn hold_after(&self, requests: usize) -> Arc<Held> {
        let held = Arc::new(Held::default());
        self.state.lock().unwrap().held = Some((requests, Arc::clone(&held)));
        held
    }
}

impl State {
    /// What the coming crash does to this request.
    fn crash(&mut self) -> Option<Died> {
        let (left, crash) = self.left?;
        self.left = Some((left.saturating_sub(1), crash));
        match (left, crash) {
            (0, _) => Some(Died::Before),
            (1, Crash::Unheard) => Some(Died::After),
            (1, Crash::Blip) => {
                self.left = None;
                Some(Died::After)
            }
            _ => None,
        }
    }

    fn held(&mut self) -> Option<Arc<Held>> {
        let (left, held) = self.held.take()?;
        if left == 0 {
            return Some(held);
        }
        self.held = Some((left - 1, held));
        None
    }

    fn answer(&mut self, operation: &str, asked: &Value) -> (u16, Value) {
        let refused = |code: &str| json!({ "__type": code, "Message": "s3cret detail" });
        let name = asked["SecretId"].as_str().unwrap_or_default().trim_start_matches(PREFIX).to_owned();
        self.accesses.insert(Access::new(&format!("secretsmanager:{operation}"), &name, ""));
        if operation == "GetSecretValue" {
            self.read.push(name.clone());
        }
        let Some(secret) = self.secrets.get_mut(&name) else { return (400, refused("ResourceNotFoundException")) };
        match self.mood {
            Mood::Slow | Mood::Up => {}
            Mood::Down => return (500, refused("InternalServiceError")),
            Mood::Denied => return (400, refused("AccessDeniedException")),
            Mood::Empty => return (400, refused("ResourceNotFoundException")),
            Mood::Garbage => return (200, json!({ "Name": name, "SecretString": r#"{"keys":"s3cret"}"# })),
        }
        match secret.ask(operation, asked) {
            Ok(mut answer) => {
                answer["Name"] = name.into();
                (200, answer)
            }
            Err(Refusal(code)) => (400, refused(code)),
        }
    }
}

/// When the process that asks seems to have died.
#[derive(Debug, Clone, Copy)]
enum Died {
    /// The request does not arrive.
    Before,
    /// It is carried out, and its answer does not come.
    After,
}

impl HttpClient for SecretsManager {
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
        let Some(operation) = target.strip_prefix("secretsmanager.").map(str::to_owned) else {
            return self.inner.call(request);
        };
        let asked: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let state = Arc::clone(&self.state);
        HttpConnectorFuture::new(async move {
            let held = state.lock().unwrap().held();
            if let Some(held) = held {
                held.wait().await;
            }
            let (status, body) = {
                let mut state = state.lock().unwrap();
                let died = state.crash();
                if let Some(Died::Before) = died {
                    (400, json!({ "__type": "AccessDeniedException" }))
                } else {
                    let answer = state.answer(&operation, &asked);
                    if died.is_some() {
                        return Err(ConnectorError::io("the connection broke".into()));
                    }
                    answer
                }
            };
            if state.lock().unwrap().mood == Mood::Slow {
                return std::future::pending().await;
            }
            let status = StatusCode::try_from(status).unwrap();
            let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
            Ok(response)
        })
    }
}
