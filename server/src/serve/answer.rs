//! What stands before the router: refused heads, foreign hosts, too many requests at once, and a stop.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::uri::Authority;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::sync::{Semaphore, watch};
use tower_service::Service as _;
use wardgate::app::App;
use wardgate::config::Stage;
use wardgate::domain::id::RequestId;
use wardgate::http::edge;
use wardgate::http::problem::Problem;
use wardgate::telemetry::metrics::{self, Shed};

use crate::serve::drain::Stop;
use crate::serve::phase::Progress;
use crate::store_gate::StoreGate;

/// When a client that found too many others may come back.
const COME_BACK: Duration = Duration::from_secs(1);

/// Answers the requests of one port.
pub(super) struct Answerer {
    app: Arc<App>,
    router: Router,
    in_flight: Arc<Semaphore>,
    store: Option<Arc<StoreGate>>,
    is_local: bool,
}

impl Answerer {
    pub(super) fn new(app: Arc<App>, router: Router, in_flight: Arc<Semaphore>, store: Option<Arc<StoreGate>>) -> Self {
        let is_local = is_local(&app.config);
        Self { app, router, in_flight, store, is_local }
    }

    /// Answers a request. Once a stop is asked for, its connection ends with it.
    pub(super) fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        progress: &Arc<Progress>,
        stage: watch::Receiver<Stop>,
    ) -> BoxFuture<'static, Result<Response<Handed>, Infallible>> {
        let refused = self.refusal(&request, progress, stage.borrow().is_asked_for());
        let permit = Arc::clone(&self.in_flight).try_acquire_owned();
        let refused = refused.or_else(|| permit.is_err().then(|| too_many(Shed::InFlight)));
        let is_crowded = || self.store.as_ref().is_some_and(|store| store.is_crowded());
        let refused = refused.or_else(|| is_crowded().then(|| too_many(Shed::Store)));
        let (app, progress, mut router) = (Arc::clone(&self.app), Arc::clone(progress), self.router.clone());
        Box::pin(async move {
            let mut response = if let Some(problem) = refused {
                refuse(&app, &problem)
            } else {
                request.extensions_mut().insert(ConnectInfo(peer));
                let Ok(response) = router.call(request).await;
                response
            };
            drop(permit);
            if progress.is_last() || stage.borrow().is_asked_for() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            progress.answer_begins();
            Ok(response.map(|body| Handed { body, progress }))
        })
    }

    fn refusal(&self, request: &Request<Incoming>, progress: &Progress, is_stopping: bool) -> Option<Problem> {
        if let Some(refusal) = progress.refusal() {
            return Some(refusal.problem());
        }
        if self.is_local && !names_this_machine(request) {
            return Some(misdirected());
        }
        (is_stopping && request.uri().path() == "/ready").then(stopping)
    }
}

/// Whether only this machine is to be served: a page of another name that a browser here resolves to loopback could
/// otherwise read the demo's mails (DNS rebinding).
fn is_local(config: &wardgate::config::Config) -> bool {
    config.stage == Stage::Development && config.http.bind.iter().all(IpAddr::is_loopback)
}

/// The absolute form's host stands for the Host header (RFC 9112 3.2.2). HTTP/1.0 may name none, and no browser speaks
/// it.
fn names_this_machine(request: &Request<Incoming>) -> bool {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let Some(authority) = request.uri().authority().cloned().or(named) else {
        return !request.headers().contains_key(header::HOST);
    };
    is_loopback_name(authority.host())
}

fn is_loopback_name(host: &str) -> bool {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

fn refuse(app: &App, problem: &Problem) -> Response<Body> {
    let id = RequestId::new(app.clock.now(), app.entropy.number().unwrap_or_default()).to_string();
    tracing::debug!(
        request_id = id,
        status = problem.status.as_u16(),
        code = problem.code,
        "refused before the router"
    );
    edge::refuse(problem, &id).map(Body::from)
}

fn too_many(what: Shed) -> Problem {
    metrics::shed(what);
    Problem {
        retry_after: Some(COME_BACK),
        ..Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "Temporarily unavailable.",
            "Too many requests are answered at the moment. Try again after Retry-After.",
        )
    }
}

fn stopping() -> Problem {
    Problem {
        retry_after: Some(COME_BACK),
        ..Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "This process stops.",
            "Send requests to another one.",
        )
    }
}

fn misdirected() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "misdirected_request",
        "The request is for another host.",
        "In stage development only requests for localhost or a loopback address are answered.",
    )
}

/// A body that says when it has been handed over to be written.
pub(super) struct Handed {
    body: Body,
    progress: Arc<Progress>,
}

impl hyper::body::Body for Handed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.progress.answer_ends();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_sa_05_only_loopback_names_are_this_machine() {
        for name in
            ["localhost", "LocalHost.", "127.0.0.1", "127.9.9.9", "[::1]", "app.localhost", "[::ffff:127.0.0.1]"]
        {
            assert!(is_loopback_name(name), "{name}");
        }
        for name in [
            "localhost.evil.example",
            "evil.example",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "0.0.0.0",
            "[::]",
            "notlocalhost",
            "",
        ] {
            assert!(!is_loopback_name(name), "{name}");
        }
    }
}
