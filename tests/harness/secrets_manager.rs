//! Secrets Manager as far as the SDK can tell: answers below it, and can be down, slow or wrong.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

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
    rings: BTreeMap<String, Value>,
    read: Vec<String>,
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
        let rings = serde_json::from_str(keys).unwrap();
        Self { inner, state: Arc::new(Mutex::new(State { mood: Mood::Up, rings, read: Vec::new() })) }
    }

    pub fn set(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// Changes a ring, as a rotation does.
    pub fn rotate(&self, ring: &str, change: impl FnOnce(&mut Value)) {
        change(self.state.lock().unwrap().rings.get_mut(ring).unwrap());
    }

    /// The rings that were asked for since the last time, in order.
    pub fn taken(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().read)
    }
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
        if request.headers().get("x-amz-target") != Some("secretsmanager.GetSecretValue") {
            return self.inner.call(request);
        }
        let asked: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let name = asked["SecretId"].as_str().unwrap_or_default().trim_start_matches(PREFIX).to_owned();
        let mut state = self.state.lock().unwrap();
        state.read.push(name.clone());
        let refused = |code: &str| json!({ "__type": code, "Message": "s3cret detail" });
        let (status, body) = match (state.mood, state.rings.get(&name)) {
            (Mood::Slow, _) => return HttpConnectorFuture::new(std::future::pending()),
            (Mood::Down, _) => (500, refused("InternalServiceError")),
            (Mood::Denied, _) => (400, refused("AccessDeniedException")),
            (Mood::Empty, _) | (_, None) => (400, refused("ResourceNotFoundException")),
            (Mood::Garbage, Some(_)) => (200, json!({ "Name": name, "SecretString": r#"{"keys":"s3cret"}"# })),
            (Mood::Up, Some(ring)) => (200, json!({ "Name": name, "SecretString": ring.to_string() })),
        };
        let mut response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body.to_string()));
        response.headers_mut().insert("content-type", "application/x-amz-json-1.1");
        HttpConnectorFuture::ready(Ok(response))
    }
}
