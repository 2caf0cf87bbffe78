//! What operators ask, on an address of its own: `/live`, `/ready` and `/metrics`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use wardgate::app::App;
use wardgate::config::{Config, Stage};

use crate::metrics;
use crate::router::{not_found, own};
use crate::serve::Load;

/// Whether `/metrics` is on the API's own port: on a laptop, where nobody else can reach it. Everywhere else it has an
/// address of its own, or whoever may sign in may read it.
pub fn is_beside_the_api(config: &Config) -> bool {
    config.stage == Stage::Development && config.http.bind.iter().all(IpAddr::is_loopback)
}

/// The operators' port. Its `/ready` does not follow the store: an outage would empty every replica's place at the load
/// balancer, and our 503 with its Retry-After would become the balancer's.
pub(crate) fn router(app: &Arc<App>, load: Load, stop: watch::Receiver<bool>) -> Router {
    let (live, ready) = (Arc::clone(app), Arc::clone(app));
    Router::new()
        .route("/live", get(async move || text(&live, StatusCode::OK, "live")))
        .route(
            "/ready",
            get(async move || {
                let is_stopping = *stop.borrow() || stop.has_changed().is_err();
                let status = if is_stopping { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
                text(&ready, status, if is_stopping { "stopping" } else { "ready" })
            }),
        )
        .merge(measurements(app, Some(load)))
        .fallback(not_found(app))
}

/// `/metrics`, with how busy the API's port is where that is known.
pub(crate) fn measurements(app: &Arc<App>, load: Option<Load>) -> Router {
    let (app, recorder) = (Arc::clone(app), metrics::recorder());
    let render = async move || {
        metrics::measure_process(&app);
        load.iter().for_each(Load::measure);
        let rendered = recorder.map(PrometheusHandle::render).unwrap_or_default();
        own(&app, StatusCode::OK, "text/plain; version=0.0.4", rendered)
    };
    Router::new().route("/metrics", get(render))
}

fn text(app: &App, status: StatusCode, text: &str) -> Response {
    own(app, status, "text/plain; charset=utf-8", format!("{text}\n"))
}
