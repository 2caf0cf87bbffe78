//! API Gateway events through the Lambda host, the edge and the handlers, up to where keys would be needed.

use std::sync::Arc;

use lambda_http::request::LambdaRequest;
use serde_json::Value;
use tokio::runtime::Runtime;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::SystemClock;
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate::http::edge;
use wardgate::http::endpoint::Endpoint;
use wardgate::lambda::incoming;

/// Those that answer in JSON and need a key before the table.
const ENDPOINTS: [Endpoint; 14] = [
    accounts::email_change::ENDPOINT,
    accounts::email_verify::ENDPOINT,
    sign_in::login::ENDPOINT,
    sign_in::login_email_code_verify::ENDPOINT,
    sign_in::logout::ENDPOINT,
    accounts::me::ENDPOINT,
    accounts::me_keep::ENDPOINT,
    accounts::me_update::ENDPOINT,
    accounts::password_change::ENDPOINT,
    accounts::password_reset::ENDPOINT,
    accounts::register::ENDPOINT,
    sign_in::session_end::ENDPOINT,
    sign_in::sessions_list::ENDPOINT,
    sign_in::token_refresh::ENDPOINT,
];

thread_local! {
    static HOST: (Runtime, App) = host().expect("an App without AWS");
}

/// The input is an event's JSON.
pub(crate) fn run(data: &[u8]) {
    let Ok(LambdaRequest::ApiGatewayV2(mut event)) = serde_json::from_str(crate::text(data)) else { return };
    // API Gateway calls a function for its own route alone.
    let route = event.route_key.take().unwrap_or_default();
    let is_route = |endpoint: &Endpoint| route.split_once(' ') == Some((endpoint.method().as_str(), endpoint.path()));
    let Some(endpoint) = ENDPOINTS.into_iter().find(is_route) else { return };

    let response = HOST.with(|(runtime, app)| runtime.block_on(edge::respond(app, &endpoint, incoming(event))));
    let status = response.status().as_u16();
    // Without keys nothing succeeds; and whatever came in, the fault is the client's or the key store's.
    assert!((400..500).contains(&status) || status == 503, "{status}");
    let problem: Value = serde_json::from_slice(response.body()).expect("a problem is JSON");
    assert_eq!(problem.get("status").and_then(Value::as_u64), Some(u64::from(status)));
}

fn host() -> Result<(Runtime, App), Box<dyn std::error::Error>> {
    // A file that is not there: keys are configured but unavailable, so that nothing goes on to the table.
    let variables = [("AUTH__STAGE", "development"), ("AUTH__SECRETS__FILE", "/nonexistent/secrets.json")];
    let config = Config::load(variables.map(|(name, value)| (name.to_owned(), value.to_owned())))?;
    let host = Host {
        connection: Connection::local("http://127.0.0.1:9".to_owned()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        hashing_slots: 1,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok((runtime, App::new(config, host)?))
}
