//! Hosting one function on Lambda.

mod init_error;
pub mod queue;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Response};
use lambda_http::aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use lambda_http::request::LambdaRequest;
use lambda_http::{Body, Context, Error, LambdaEvent, lambda_runtime, service_fn};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::app::Needs;
use crate::app::{App, Host};
use crate::aws::Connection;
use crate::clock::SystemClock;
use crate::config::{Config, ConfigError};
use crate::current::Current;
use crate::entropy::SystemEntropy;
use crate::fault::Fault;
use crate::http::edge::{self, BodyError, Incoming};
use crate::http::endpoint::Endpoint;
use crate::http::source_address;
use crate::outbound::WITHOUT_GATEWAY;
use crate::telemetry::embedded::Embedded;
use crate::telemetry::{self, metrics};

/// What it takes at most to log, to measure and to hand over an answer.
const TO_ANSWER: Duration = Duration::from_millis(200);

/// What a handler of another event than a request gives.
pub type EventFuture<'a, R> = Pin<Box<dyn Future<Output = Result<R, Fault>> + Send + 'a>>;

/// A function that answers another event than a request of our own API.
pub struct EventFunction<E, P, R> {
    /// The function's name: its folder, binary, events and template resource.
    pub name: &'static str,
    /// What it needs from outside, under this configuration; or what the configuration lacks for it.
    pub needs: fn(&Config) -> Result<Needs, ConfigError>,
    /// Builds what it has beside the App: other services' clients.
    pub parts: fn(&Config, &Connection) -> Result<P, ConfigError>,
    /// What answers.
    pub handler: for<'a> fn(&'a App, &'a P, E) -> EventFuture<'a, R>,
}

/// The answer to a batch of records or messages: what has to come again (`ReportBatchItemFailures`). The rest is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// Of a stream, the first alone counts: everything after it comes again too.
    pub batch_item_failures: Vec<BatchItemFailure>,
}

/// Names a record or a message that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// A record's sequence number, a message's id.
    pub item_identifier: String,
}

impl BatchAnswer {
    /// These have to come again.
    pub fn failed(identifiers: impl IntoIterator<Item = String>) -> Self {
        let failures = identifiers.into_iter().map(|item_identifier| BatchItemFailure { item_identifier });
        Self { batch_item_failures: failures.collect() }
    }
}

/// Serves `endpoint` until Lambda stops the process. A mistake in the configuration ends initialisation with its
/// message.
pub fn serve(endpoint: &Endpoint) -> Result<(), Error> {
    serve_checked(endpoint, |_| Ok(()))
}

/// As [`serve`], for what shows pages: they have a brand.
pub fn serve_pages(endpoint: &Endpoint) -> Result<(), Error> {
    serve_checked(endpoint, Config::check_brand)
}

fn serve_checked(endpoint: &Endpoint, check: impl FnOnce(&Config) -> Result<(), ConfigError>) -> Result<(), Error> {
    runtime()?.block_on(async {
        let (app, embedded, ()) = start(|config, _| check(config)).await?;
        let current = Current::new(Arc::new(app), endpoint.needs);
        current.prefetch(endpoint.needs).await;
        let answer = async |event: LambdaEvent<LambdaRequest>| {
            let LambdaRequest::ApiGatewayV2(request) = event.payload else {
                return Err(Error::from("not an event of an API Gateway HTTP API, payload 2.0"));
            };
            let app = current.app().await;
            let time_left = time_left(&app, &event.context);
            let path = request.raw_path.clone().unwrap_or_default();
            let mut incoming = Incoming { trace_id: event.context.xray_trace_id, time_left, ..incoming(request) };
            if incoming.path_parameters.is_empty() {
                // `cargo lambda watch` gives none where its routes have the path literally.
                incoming.path_parameters = endpoint.path_parameters(&path).unwrap_or_default();
            }
            let response = edge::respond(&app, endpoint, incoming).await;
            embedded.flush();
            Ok(reply(response))
        };
        lambda_runtime::run(service_fn(answer)).await
    })
}

/// As [`serve`], for a function of another event.
pub fn serve_event<E, P, R>(function: &EventFunction<E, P, R>) -> Result<(), Error>
where
    E: DeserializeOwned,
    R: Serialize,
{
    runtime()?.block_on(async {
        let (app, embedded, (needs, parts)) =
            start(|config, connection| Ok(((function.needs)(config)?, (function.parts)(config, connection)?))).await?;
        let current = Current::new(Arc::new(app), needs);
        current.prefetch(needs).await;
        let answer = async |event: LambdaEvent<E>| {
            let app = current.app().await;
            let deadline = edge::deadline(&app, time_left(&app, &event.context));
            let answer = tokio::time::timeout(deadline, (function.handler)(&app, &parts, event.payload)).await;
            embedded.flush();
            answer.map_err(Error::from).and_then(|answer| answer.map_err(Error::from)).inspect_err(|cause| {
                tracing::error!(request_id = event.context.request_id, function = function.name, %cause, "event failed");
            })
        };
        lambda_runtime::run(service_fn(answer)).await
    })
}

/// How long there is for an answer before Lambda ends the process, whose client would then get the gateway's error. A
/// time that has passed is no deadline: `cargo lambda watch` always sends one of 1970.
fn time_left(app: &App, invocation: &Context) -> Option<Duration> {
    let now = u64::try_from(app.clock.now().millis()).ok()?;
    let left = invocation.deadline.checked_sub(now).filter(|left| *left > 0)?;
    Some(Duration::from_millis(left).saturating_sub(TO_ANSWER))
}

/// Why a function does not start. `main` prints an error's `Debug`: this one's is its message.
struct Refusal(Error);

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl std::error::Error for Refusal {}

/// Puts everything together, with what `build` makes of the configuration and the connection. Lambda hears why that is
/// not possible.
#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
async fn start<P>(
    build: impl FnOnce(&Config, &Connection) -> Result<P, ConfigError>,
) -> Result<(App, Embedded, P), Refusal> {
    let parts = || {
        let config = config()?;
        let connection = connection()?;
        let built = build(&config, &connection)?;
        let embedded = embedded(&config)?;
        Ok((app(config, connection)?, embedded, built))
    };
    match parts() {
        Ok(parts) => Ok(parts),
        Err(reason) => {
            init_error::report(std::env::var("AWS_LAMBDA_RUNTIME_API").ok(), &reason).await;
            Err(Refusal(reason))
        }
    }
}

/// One thread: a Lambda environment has one request at a time.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
fn config() -> Result<Config, Error> {
    let config = Config::load(std::env::vars())?;
    telemetry::start(&config.log)?;
    Ok(config)
}

#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
fn embedded(config: &Config) -> Result<Embedded, Error> {
    let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok();
    let embedded = Embedded::start(config.stage.name(), memory.as_deref())?;
    metrics::cold_start();
    Ok(embedded)
}

#[expect(clippy::disallowed_methods, reason = "a host reads the environment once, here")]
fn connection() -> Result<Connection, Error> {
    Ok(Connection::from_environment(|name| std::env::var(name).ok())?)
}

fn app(config: Config, connection: Connection) -> Result<App, Error> {
    let host = Host { connection, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), hashing_slots: 1 };
    Ok(App::new(config, host)?)
}

/// A response in API Gateway's terms. By hand, because `lambda_http`'s own way looks at each body's character set, with
/// tables that would be a thirtieth of every function. We answer UTF-8, or bytes.
pub fn reply(response: Response<Bytes>) -> ApiGatewayV2httpResponse {
    let (parts, body) = response.into_parts();
    let mut reply = ApiGatewayV2httpResponse::default();
    reply.status_code = i64::from(parts.status.as_u16());
    reply.headers = parts.headers;
    // The gateway takes no repeated header but this one, and this one in a member of its own.
    let cookies = reply.headers.get_all(SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    reply.cookies = cookies.map(str::to_owned).collect();
    reply.headers.remove(SET_COOKIE);
    match String::from_utf8(body.to_vec()) {
        Ok(text) => reply.body = Some(Body::Text(text)),
        Err(error) => {
            reply.body = Some(Body::Binary(error.into_bytes()));
            reply.is_base64_encoded = true;
        }
    }
    reply
}

/// An API Gateway event in the edge's terms. By hand, because `lambda_http` makes a URI of it first, and panics on one
/// that is none.
pub fn incoming(mut event: ApiGatewayV2httpRequest) -> Incoming {
    // The gateway takes cookies out of the header fields. Each is a field of its own again, since one that can be none must
    // not hide the others.
    for cookie in event.cookies.take().unwrap_or_default() {
        if let Ok(cookie) = HeaderValue::from_maybe_shared(Bytes::from(cookie)) {
            event.headers.append(COOKIE, cookie);
        }
    }
    let body = event.body.unwrap_or_default();
    let body = if event.is_base64_encoded {
        STANDARD.decode(body).map(Bytes::from).map_err(|_| BodyError::Malformed)
    } else {
        Ok(Bytes::from(body))
    };
    // Only who may invoke a function can make this up: a gateway writes its own id (PL-08).
    let is_without_gateway = event.request_context.apiid.as_deref() == Some(WITHOUT_GATEWAY);
    Incoming {
        path: event.raw_path.unwrap_or_default(),
        headers: event.headers,
        path_parameters: event.path_parameters.into_iter().collect(),
        query: event.raw_query_string.unwrap_or_default(),
        body,
        address: event.request_context.http.source_ip.as_deref().and_then(source_address::parse),
        is_without_gateway,
        request_id: event.request_context.request_id,
        trace_id: None,
        time_left: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_cookies_survive_and_text_is_not_base64() {
        let response = Response::builder().status(200).header("set-cookie", "a=1").header("set-cookie", "b=2");
        let reply = serde_json::to_value(reply(response.body(Bytes::from_static(b"{}")).unwrap())).unwrap();
        assert_eq!(reply["cookies"], serde_json::json!(["a=1", "b=2"]));
        assert!(reply["headers"].get("set-cookie").is_none());
        assert_eq!((&reply["body"], &reply["isBase64Encoded"]), (&"{}".into(), &false.into()));
    }

    #[test]
    fn cookies_of_an_event_are_the_cookie_header_again() {
        let event = include_str!("../../events/me/no-token.json");
        let mut event: ApiGatewayV2httpRequest = serde_json::from_str(event).unwrap();
        event.cookies = Some(vec!["a=1".to_owned(), "b=2".to_owned()]);
        let incoming = incoming(event);
        let cookies: Vec<_> = incoming.headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
    }

    #[test]
    fn a_cookie_of_another_application_hides_none_of_ours() {
        let event = include_str!("../../events/me/no-token.json");
        let mut event: ApiGatewayV2httpRequest = serde_json::from_str(event).unwrap();
        let cookies = ["theme=caf\u{e9}", "bad=\u{0}", "__Host-wardgate-refresh=rt_x"];
        event.cookies = Some(cookies.map(str::to_owned).to_vec());
        assert_eq!(crate::http::cookies::refresh_token(&incoming(event).headers).as_deref(), Some("rt_x"));
    }

    #[test]
    fn what_is_not_text_is_base64() {
        let response = Response::new(Bytes::from_static(b"\x89PNG"));
        let reply = serde_json::to_value(reply(response)).unwrap();
        assert_eq!((&reply["body"], &reply["isBase64Encoded"]), (&"iVBORw==".into(), &true.into()));
    }
}
