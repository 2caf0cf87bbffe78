//! The endpoints as an axum router, with what API Gateway does for the functions: 404 and 405.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, RawPathParams, Request};
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, any, get, on};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use wardgate::app::{App, Needs};
use wardgate::current::Current;
use wardgate::domain::id::RequestId;
use wardgate::http::cors::Cors;
use wardgate::http::edge::{self, Incoming};
use wardgate::http::edge_proof::Way;
use wardgate::http::endpoint::{Endpoint, path_parameters};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::source_address::source_address;
use wardgate::telemetry;

use crate::endpoints::{ENDPOINTS, openapi};
use crate::store_gate::Turn;
use crate::{body, metrics, ops};

/// How long a client may take over its body.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Every endpoint and the API description; on a laptop also the metrics.
pub fn router(app: &Arc<App>) -> Router {
    let current = Current::new(Arc::clone(app), Needs { rings: &[], table: true });
    let mut paths: BTreeMap<&str, MethodRouter> = BTreeMap::new();
    for (endpoint, method, path) in routes() {
        let Ok(filter) = MethodFilter::try_from(method.clone()) else { continue };
        let current = current.clone();
        let answer = move |peer: ConnectInfo<SocketAddr>, parameters: RawPathParams, request: Request| {
            let current = current.clone();
            let is_its_own = endpoint.routes.iter().any(|route| route.path == path);
            let parameters =
                if is_its_own { named(&parameters) } else { endpoint.path_parameters(path).unwrap_or_default() };
            async move { answer(&*current.app().await, endpoint, peer.0, parameters, request).await }
        };
        let methods = paths.remove(path).unwrap_or_default().merge(on(filter, answer));
        paths.insert(path, methods);
    }
    metrics::recorder();
    let describing = Arc::clone(app);
    let describe = async move |headers: HeaderMap| description(&describing, &headers);
    let mut router = Router::new().route("/openapi.json", get(describe));
    if ops::is_beside_the_api(&app.config) {
        router = router.merge(ops::measurements(app, None));
    }
    for (path, methods) in paths {
        router = router.route(path, methods);
    }
    let wrong_method = Arc::clone(app);
    let wrong_method =
        move |uri: Uri, headers: HeaderMap| async move { refuse(&wrong_method, &method_not_allowed(), &uri, &headers) };
    let answering = Arc::clone(app);
    let with_headers = map_response(move |response: Response| {
        let app = Arc::clone(&answering);
        async move { with_headers(&app, response) }
    });
    router.method_not_allowed_fallback(wrong_method).fallback(not_found(app)).layer(with_headers)
}

/// What answers where nothing else does.
pub(crate) fn not_found(app: &Arc<App>) -> MethodRouter {
    let app = Arc::clone(app);
    any(async move |uri: Uri, headers: HeaderMap| {
        refuse(&app, &Problem::not_found("Nothing answers at this path."), &uri, &headers)
    })
}

/// The headers of every response, also on what axum answers by itself (SE-07).
fn with_headers(app: &App, mut response: Response) -> Response {
    if !response.headers().contains_key("x-request-id") {
        let bare = Reply { status: response.status(), headers: Vec::new(), body: Vec::new() };
        for (name, value) in edge::finish(bare, &request_id(app)).headers() {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
    }
    response
}

/// The API description and its entity tag: made once, as it says the same to everybody.
static DESCRIPTION: LazyLock<(Bytes, String)> = LazyLock::new(|| {
    let text = openapi().to_string();
    let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes())));
    (Bytes::from(text), tag)
});

fn description(app: &App, asked: &HeaderMap) -> Response {
    let (text, tag) = &*DESCRIPTION;
    let has_it = asked.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let has_it = has_it.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    });
    let status = if has_it { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let body = if has_it { Bytes::new() } else { text.clone() };
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        // A copy may be kept, and is asked about each time.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    headers.extend(HeaderValue::from_str(tag).ok().map(|tag| (header::ETAG, tag)));
    let mut response = edge::finish(Reply { status, headers, body: Vec::new() }, &request_id(app));
    Cors::Public.allow(&[], None, response.headers_mut());
    response.map(|_| Body::from(body))
}

/// Every route, and also each path of others that a route covers and where nothing else answers its method. API Gateway
/// looks for the most specific route of a request's method; axum, for the most specific path, and then for the method.
/// Routes of every method, and paths that take all that follows, are left to what answers where nothing else does.
pub fn routes() -> Vec<(&'static Endpoint, &'static Method, &'static str)> {
    let own: Vec<_> = ENDPOINTS
        .iter()
        .flat_map(|(endpoint, _)| endpoint.routes.iter().map(move |route| (endpoint, route)))
        .filter_map(|(endpoint, route)| Some((endpoint, route, route.method.as_ref()?)))
        .collect();
    let taken: BTreeSet<(&str, &str)> = own.iter().map(|(_, route, method)| (method.as_str(), route.path)).collect();
    let mut paths: Vec<&str> = taken.iter().map(|(_, path)| *path).filter(|path| !path.ends_with("+}")).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut routes = Vec::new();
    for (endpoint, route, method) in own {
        if !route.is_greedy() {
            routes.push((endpoint, method, route.path));
        }
        let covered = paths.iter().filter(|path| path_parameters(route.path, path).is_some());
        let free = covered.filter(|path| !taken.contains(&(method.as_str(), **path)));
        routes.extend(free.map(|path| (endpoint, method, *path)));
    }
    routes
}

fn named(parameters: &RawPathParams) -> BTreeMap<String, String> {
    parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

async fn answer(
    app: &App,
    endpoint: &Endpoint,
    peer: SocketAddr,
    path_parameters: BTreeMap<String, String>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let forwarded: Vec<&[u8]> = parts.headers.get_all("x-forwarded-for").iter().map(HeaderValue::as_bytes).collect();
    let source = source_address(peer.ip(), &forwarded, &app.config.http.trusted_proxies);
    if source.is_hidden {
        tracing::warn!(proxy = %source.address, "a trusted proxy wrote a hop into X-Forwarded-For that is no address");
        telemetry::metrics::hidden_source();
    }
    // What came around the edge is refused, whatever its body is.
    let way = Way::of(&app.config.http.edge_digests, &parts.headers, false);
    let is_refused = way.admit(app.config.http.edge_only).is_err();
    let body = if is_refused { Ok(Bytes::new()) } else { body::read(body, BODY_DEADLINE).await };
    let incoming = Incoming {
        path: parts.uri.path().to_owned(),
        path_parameters,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
        address: Some(source.address),
        is_without_gateway: false,
        request_id: None,
        trace_id: None,
        time_left: None,
    };
    let patience = edge::deadline(app, None);
    Turn::of(patience, edge::respond(app, endpoint, incoming)).await.map(Body::from)
}

/// A reply of the server's own, which no function has.
pub(crate) fn own(app: &App, status: StatusCode, content_type: &'static str, body: String) -> Response {
    let headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static(content_type))];
    edge::finish(Reply { status, headers, body: body.into_bytes() }, &request_id(app)).map(Body::from)
}

fn refuse(app: &App, problem: &Problem, uri: &Uri, headers: &HeaderMap) -> Response {
    edge::refuse_unknown(app, problem, uri.path(), headers, &request_id(app)).map(Body::from)
}

fn request_id(app: &App) -> String {
    RequestId::new(app.clock.now(), app.entropy.number().unwrap_or_default()).to_string()
}

fn method_not_allowed() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "The method is not allowed.",
        "See the Allow header for the methods of this path.",
    )
}
