//! What every request passes, whichever host it came through: limits, deadline, headers, one log line, metrics.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::app::App;
use crate::domain::id::RequestId;
use crate::domain::language::Language;
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::http::edge_proof::{self, Way};
use crate::http::endpoint::{Endpoint, Reader, RefusalPage};
use crate::http::navigation::{self, is_navigation, is_page};
use crate::http::problem::{Problem, ProblemBody};
use crate::http::reply::{Reply, retry_after};
use crate::http::request::Request;
use crate::http::{browser, page};
use crate::telemetry::metrics;

/// The largest body that is looked at (SE-08).
pub const MAX_BODY: usize = 64 * 1024;

/// A request as a host hands it in.
pub struct Incoming {
    /// The path, as it was sent.
    pub path: String,
    /// Header fields.
    pub headers: HeaderMap,
    /// The values of the `{…}` parts of the endpoint's path.
    pub path_parameters: BTreeMap<String, String>,
    /// The query, without `?`.
    pub query: String,
    /// The body, or why there is none.
    pub body: Result<Bytes, BodyError>,
    /// The client's address as the host vouches for it (SE-09).
    pub address: Option<IpAddr>,
    /// Whether no gateway had it, but somebody who may invoke the function (PL-08).
    pub is_without_gateway: bool,
    /// The host's own id for the request.
    pub request_id: Option<String>,
    /// The trace that the request belongs to, if the host traces.
    pub trace_id: Option<String>,
    /// How long the host itself has for the answer, if it says so.
    pub time_left: Option<Duration>,
}

/// Why a body could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyError {
    /// Over [`MAX_BODY`].
    TooLarge,
    /// It did not arrive in time, or broke off.
    Incomplete,
    /// Its coding is broken: a chunk's size that is none, or base64 that is none.
    Malformed,
}

/// Answers a request.
#[expect(clippy::disallowed_methods, reason = "a request's duration is measured, not decided by")]
pub async fn respond(app: &App, endpoint: &Endpoint, mut incoming: Incoming) -> Response<Bytes> {
    let started = Instant::now();
    let now = app.clock.now();
    let way = Way::of(&app.config.http.edge_digests, &incoming.headers, incoming.is_without_gateway);
    incoming.address = way.address(&incoming.headers, incoming.address);
    edge_proof::strip(&mut incoming.headers);
    let origin = origin(app, &incoming);
    let language = Language::negotiate(text(&incoming.headers, &header::ACCEPT_LANGUAGE).as_deref());
    let people = People::of(endpoint, &incoming, language);
    let request_id = incoming.request_id.unwrap_or_else(|| {
        // Without randomness the time alone has to do: the request is about to fail anyway.
        RequestId::new(now, app.entropy.number().unwrap_or_default()).to_string()
    });
    let trace_id = incoming.trace_id;
    let deadline = deadline(app, incoming.time_left);
    let context = RequestContext { now, origin, language, request_id: request_id.clone() };
    let page_origin = incoming.headers.get(header::ORIGIN).cloned();
    let admitted = way.admit(app.config.http.edge_only);
    let admitted = admitted.and_then(|()| navigation::admit(&incoming.path, &incoming.query, &incoming.headers));
    let body = admitted.map(|()| incoming.body);
    let result = match body {
        Err(problem) => Err(problem),
        Ok(_) if app.writes().is_err() && endpoint.changes() => Err(Problem::standby()),
        Ok(_) if app.config.switches.read_only && endpoint.changes() => Err(Problem::read_only()),
        Ok(Ok(body)) if body.len() <= MAX_BODY => {
            let Incoming { path, headers, path_parameters, query, .. } = incoming;
            let request = Request { path, headers, path_parameters, query, body, context };
            let handled = tokio::time::timeout(deadline, (endpoint.handler)(app, &request)).await;
            handled.unwrap_or_else(|elapsed| Err(Problem::unavailable(elapsed)))
        }
        Ok(Ok(_) | Err(BodyError::TooLarge)) => Err(too_large()),
        Ok(Err(BodyError::Incomplete)) => Err(incomplete()),
        Ok(Err(BodyError::Malformed)) => Err(malformed()),
    };
    let (mut response, cause) = match result {
        Ok(reply) => (finish(reply, &request_id), None),
        Err(Problem { page: Some(page), cause, .. }) => (finish(*page, &request_id), cause),
        Err(problem) => (people.refuse(app, &problem, &request_id), problem.cause),
    };
    endpoint.cors.allow(&app.config.http.allowed_origins, page_origin.as_ref(), response.headers_mut());
    let status = response.status();
    let seconds = started.elapsed().as_secs_f64();
    metrics::request(endpoint.name, status, seconds);
    // Tenths are all that a log line needs.
    let (endpoint, status, ms) = (endpoint.name, status.as_u16(), (seconds * 10_000.0).round() / 10.0);
    match cause {
        Some(cause) if status >= 500 => {
            tracing::error!(request_id, trace_id, endpoint, status, ms, %cause, "request failed");
        }
        Some(cause) => tracing::info!(request_id, trace_id, endpoint, status, ms, %cause, "request"),
        None => tracing::info!(request_id, trace_id, endpoint, status, ms, "request"),
    }
    response
}

/// Where a request comes from; on pages also the browser.
fn origin(app: &App, incoming: &Incoming) -> Origin {
    let user_agent = text(&incoming.headers, &header::USER_AGENT);
    let browser = is_page(&incoming.path).then(|| browser::of(app, &incoming.headers)).flatten();
    Origin::new(incoming.address, user_agent.as_deref()).in_browser(browser)
}

/// A header field that is text: what is no UTF-8 in it becomes U+FFFD, and does not hide the rest.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// Who reads a refusal that has no page of its own: a person, where a browser shows it, or a program.
struct People {
    page: Option<(RefusalPage, String)>,
    language: Language,
}

impl People {
    fn of(endpoint: &Endpoint, incoming: &Incoming, language: Language) -> Self {
        let page = match endpoint.reader {
            Reader::Person(page) if is_navigation(&incoming.headers) => Some((page, incoming.path.clone())),
            _ => None,
        };
        Self { page, language }
    }

    /// A problem as a page, or without one if that cannot be made.
    fn refuse(&self, app: &App, problem: &Problem, request_id: &str) -> Response<Bytes> {
        let page = self.page.as_ref().and_then(|(page, path)| page(problem, path, self.language, &app.config).ok());
        page.map_or_else(|| refuse(problem, request_id), |reply| finish(reply, request_id))
    }
}

/// Refuses what no endpoint answers: with a page where a browser shows the answer.
pub fn refuse_unknown(
    app: &App,
    problem: &Problem,
    path: &str,
    headers: &HeaderMap,
    request_id: &str,
) -> Response<Bytes> {
    if let Err(problem) = navigation::admit(path, "", headers) {
        return refuse(&problem, request_id);
    }
    if !is_navigation(headers) {
        return refuse(problem, request_id);
    }
    let language = Language::negotiate(text(headers, &header::ACCEPT_LANGUAGE).as_deref());
    let people = People { page: Some((page::refusal, path.to_owned())), language };
    people.refuse(app, problem, request_id)
}

/// How long an answer may take: what is configured, or less if the host has less.
pub fn deadline(app: &App, time_left: Option<Duration>) -> Duration {
    let configured = Duration::from_millis(app.config.http.request_deadline_ms);
    time_left.map_or(configured, |time_left| time_left.min(configured))
}

/// A problem with the headers that every response has; also for what no endpoint answers.
pub fn refuse(problem: &Problem, request_id: &str) -> Response<Bytes> {
    let body = ProblemBody {
        r#type: format!("urn:wardgate:problem:{}", problem.code),
        title: problem.title,
        status: problem.status.as_u16(),
        detail: &problem.detail,
        code: problem.code,
        request_id,
        methods: problem.methods,
        errors: &problem.errors,
    };
    let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
    headers.extend(problem.retry_after.map(retry_after));
    if let Some(challenge) = problem.challenge {
        headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
    }
    headers.extend(problem.headers.iter().cloned());
    let body = serde_json::to_vec(&body).unwrap_or_default();
    finish(Reply { status: problem.status, headers, body }, request_id)
}

/// A reply with the headers that every response has (SE-07).
pub fn finish(reply: Reply, request_id: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(reply.body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    // SE-07. A handler's own Cache-Control stands.
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", id);
    }
    for (name, value) in reply.headers {
        if name == header::SET_COOKIE {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
        }
    }
    response
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body_too_large",
        "The body is too large.",
        "A body may have at most 64 KiB.",
    )
}

fn malformed() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "malformed_body",
        "The body is malformed.",
        "Its transfer encoding is broken: the size of a chunk is not one, or a chunk does not end where it should.",
    )
}

fn incomplete() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body_incomplete",
        "The body did not arrive.",
        "The body broke off or took too long. Send the request again.",
    )
}
