//! Our own functions through Lambda, as API Gateway would call them: payload 2.0, at a version or an alias.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::aws::{Connection, builder};
use crate::config::Config;
use crate::outbound::{OutboundError, WITHOUT_GATEWAY};

const SERVICE: &str = "Lambda";
/// How long one answer may take: a cold start and the function's own ten seconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a call may take with all its tries.
const PATIENCE_IN_ALL: Duration = Duration::from_secs(40);

/// The functions of the stage.
#[derive(Debug)]
pub struct Functions {
    client: Client,
    prefix: String,
}

/// A body.
#[derive(Debug, Clone, Copy)]
pub enum Body<'a> {
    /// Of JSON.
    Json(&'a Value),
    /// Of a form, as browsers and OAuth clients send one.
    Form(&'a str),
}

/// What is sent to a function.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent<'a> {
    /// The query, without its question mark.
    pub query: &'a str,
    /// The body.
    pub body: Option<Body<'a>>,
    /// The access token.
    pub bearer: Option<&'a str>,
    /// The origin of the page that a browser sends this from.
    pub origin: Option<&'a str>,
    /// What the browser keeps, each `name=value`.
    pub cookies: &'a [String],
}

/// A request to a function.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The function, by its folder.
    pub function: &'a str,
    /// The version or alias.
    pub qualifier: &'a str,
    /// The method and path of its route.
    pub route: (&'a str, &'a str),
    /// What comes with it.
    pub sent: Sent<'a>,
    /// Where it seems to come from.
    pub source: &'a str,
    /// Its id in logs.
    pub request_id: &'a str,
}

/// What a function answered.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: u16,
    /// The body, null where it is no JSON.
    pub body: Value,
    /// Where it leads.
    pub location: Option<String>,
    /// What a browser is to keep, each `name=value`.
    pub cookies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    status_code: u16,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
}

impl Answered {
    /// A member of the body that is text.
    pub fn text(&self, member: &str) -> Option<&str> {
        self.body.get(member).and_then(Value::as_str)
    }
}

/// What Lambda answers where a function failed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    error_type: Option<String>,
}

impl Functions {
    /// A client for the functions of the configured stage.
    pub fn new(config: &Config, connection: &Connection) -> Self {
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).operation_timeout(PATIENCE_IN_ALL).build();
        // A deploy begins many runs at once: who is throttled waits for seconds, not for milliseconds.
        let retries = RetryConfig::standard()
            .with_max_attempts(8)
            .with_initial_backoff(Duration::from_millis(200))
            .with_max_backoff(Duration::from_secs(5));
        let mut sdk = builder!(aws_sdk_lambda, connection, config.aws).retry_config(retries).timeout_config(timeouts);
        sdk.set_endpoint_url(connection.endpoints.lambda.clone());
        Self { client: Client::from_conf(sdk.build()), prefix: format!("wardgate-{}-", config.stage.name()) }
    }

    /// The folder of the function that has this name in AWS, if it is one of the stage's.
    pub fn folder<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&self.prefix)
    }

    /// Asks a function.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answered, OutboundError> {
        let payload = self.invoke(ask.function, ask.qualifier, &event(&ask)).await?.map_err(|kind| failed(&kind))?;
        let reply: Reply = serde_json::from_slice(&payload).map_err(|_| failed("no response"))?;
        let body = reply.body.and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
        let location = reply.headers.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("location"));
        let kept = |cookie: String| cookie.split(';').next().map(str::to_owned);
        Ok(Answered {
            status: reply.status_code,
            body,
            location: location.map(|(_, location)| location),
            cookies: reply.cookies.into_iter().filter_map(kept).collect(),
        })
    }

    /// Whether a function starts at all, by an event that asks nothing of it. A refusal shows that it does; an answer of
    /// an endpoint has a status.
    pub async fn start(&self, function: &str, qualifier: &str, source: &str) -> Result<Option<u16>, OutboundError> {
        let sent = Sent::default();
        let ask = Ask { function, qualifier, route: ("GET", "/"), sent, source, request_id: "smoke" };
        match self.invoke(function, qualifier, &event(&ask)).await? {
            Ok(payload) => Ok(serde_json::from_slice::<Reply>(&payload).ok().map(|reply| reply.status_code)),
            // Of Lambda itself: it did not start, ran out of time, or ended.
            Err(kind) if kind.starts_with("Runtime.") || kind.starts_with("Sandbox.") || kind == UNNAMED => {
                Err(failed(&kind))
            }
            Err(_) => Ok(None),
        }
    }

    /// The payload, or the type of the error that the function failed with: messages may quote what was sent.
    async fn invoke(
        &self,
        function: &str,
        qualifier: &str,
        event: &Value,
    ) -> Result<Result<Vec<u8>, String>, OutboundError> {
        let invoke = self
            .client
            .invoke()
            .function_name(format!("{}{function}", self.prefix))
            .qualifier(qualifier)
            .payload(Blob::new(event.to_string()));
        let answer = invoke.send().await.map_err(|error| OutboundError::of(SERVICE, &error))?;
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        Ok(if answer.function_error.is_none() {
            Ok(payload)
        } else {
            let failure: Option<Failure> = serde_json::from_slice(&payload).ok();
            Err(failure.and_then(|it| it.error_type).unwrap_or_else(|| UNNAMED.to_owned()))
        })
    }
}

/// An error without a type.
const UNNAMED: &str = "unnamed error";

fn failed(kind: &str) -> OutboundError {
    OutboundError::passing(SERVICE, format!("the function failed: {kind}"))
}

fn event(ask: &Ask<'_>) -> Value {
    let ((method, path), sent) = (ask.route, ask.sent);
    let route = format!("{method} {path}");
    let (kind, body) = match sent.body {
        Some(Body::Json(json)) => (Some("application/json"), Some(json.to_string())),
        Some(Body::Form(form)) => (Some("application/x-www-form-urlencoded"), Some(form.to_owned())),
        None => (None, None),
    };
    let bearer = sent.bearer.map(|token| format!("Bearer {token}"));
    let headers: Map<String, Value> = [
        ("user-agent", Some(AGENT)),
        ("authorization", bearer.as_deref()),
        ("content-type", kind),
        ("origin", sent.origin),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), json!(value?))))
    .collect();
    json!({
        "version": "2.0",
        "routeKey": route,
        "rawPath": path,
        "rawQueryString": sent.query,
        "cookies": sent.cookies,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": WITHOUT_GATEWAY,
            "domainName": "smoke.invalid",
            "domainPrefix": "smoke",
            "http": { "method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": ask.source, "userAgent": AGENT },
            "requestId": ask.request_id,
            "routeKey": route,
            "stage": "$default",
            "time": "01/Jan/1970:00:00:00 +0000",
            "timeEpoch": 0,
        },
        "body": body,
        // What takes batches instead gets one of nothing.
        "Records": [],
        "isBase64Encoded": false,
    })
}

const AGENT: &str = "wardgate-smoke";
