//! A stand-in for Lambda's Runtime API (version 2018-06-01), for one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Response, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// How long an invocation may take, as the function is told, unless a test says otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(10);

/// What the process did.
#[derive(Debug)]
pub enum Event {
    /// It asked for the next invocation: initialisation, or the invocation before, is over.
    Idle,
    /// It answered an invocation.
    Answered {
        /// Which one.
        id: String,
        /// The answer.
        body: Value,
    },
    /// It failed an invocation.
    Failed {
        /// Which one.
        id: String,
        /// `errorType` and `errorMessage`.
        body: Value,
    },
    /// It failed to initialise.
    InitFailed {
        /// The header `Lambda-Runtime-Function-Error-Type`.
        error_type: String,
        /// `errorType` and `errorMessage`.
        body: Value,
    },
    /// It ended.
    Exited(ExitStatus),
}

/// An invocation to come.
struct Invocation {
    id: String,
    event: String,
    timeout: Duration,
}

/// A running stand-in. Dropping it stops it.
pub struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` has to be.
    pub address: SocketAddr,
    invocations: mpsc::UnboundedSender<Invocation>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    events: mpsc::UnboundedSender<Event>,
    invocations: Arc<Mutex<mpsc::UnboundedReceiver<Invocation>>>,
}

impl RuntimeApi {
    /// Starts one on a random port, which reports to `events`.
    pub async fn start(events: mpsc::UnboundedSender<Event>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (invocations, queue) = mpsc::unbounded_channel();
        let shared = Shared { events, invocations: Arc::new(Mutex::new(queue)) };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(shared);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, invocations, server }
    }

    /// Hands out an event when the process next asks; it then has `timeout`.
    pub fn invoke(&self, id: String, event: String, timeout: Duration) {
        self.invocations.send(Invocation { id, event, timeout }).unwrap();
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next(State(shared): State<Shared>) -> Response<Body> {
    // Locked before it reports: an invocation goes to whoever was seen to ask for it.
    let mut queue = shared.invocations.lock().await;
    shared.report(Event::Idle);
    let Some(invocation) = queue.recv().await else {
        // The test has ended, and the process with it.
        return Response::builder().status(StatusCode::GONE).body(Body::empty()).unwrap();
    };
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &invocation.id)
        .header("lambda-runtime-deadline-ms", deadline(invocation.timeout).to_string())
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:123456789012:function:test")
        .header("lambda-runtime-trace-id", "Root=1-69a43348-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=0")
        .body(Body::from(invocation.event))
        .unwrap()
}

async fn response(State(shared): State<Shared>, Path(id): Path<String>, body: String) -> (StatusCode, String) {
    shared.report(Event::Answered { id, body: parse(&body) });
    accepted()
}

async fn error(State(shared): State<Shared>, Path(id): Path<String>, body: String) -> (StatusCode, String) {
    shared.report(Event::Failed { id, body: parse(&body) });
    accepted()
}

async fn init_error(State(shared): State<Shared>, headers: HeaderMap, body: String) -> (StatusCode, String) {
    let error_type = headers.get("lambda-runtime-function-error-type").map(|value| value.to_str().unwrap().to_owned());
    shared.report(Event::InitFailed { error_type: error_type.unwrap_or_default(), body: parse(&body) });
    accepted()
}

impl Shared {
    fn report(&self, event: Event) {
        // A test that has ended asks no more.
        let _ = self.events.send(event);
    }
}

fn accepted() -> (StatusCode, String) {
    (StatusCode::ACCEPTED, json!({ "status": "OK" }).to_string())
}

fn parse(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| panic!("Lambda takes JSON only: {body}"))
}

#[expect(clippy::disallowed_methods, reason = "Lambda tells functions a time by the real clock")]
fn deadline(timeout: Duration) -> u128 {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + timeout).as_millis()
}
