//! Telling Lambda why a function does not start: whoever invokes it sees the reason, not just that the process ended.

use std::time::Duration;

use http::{Method, Uri};
use lambda_http::Error;
use lambda_http::lambda_runtime::Diagnostic;
use lambda_runtime_api_client::body::Body;
use lambda_runtime_api_client::{PooledClient, build_request};

/// What every runtime calls it that cannot say more; the message says more.
const ERROR_TYPE: &str = "Runtime.InitError";
/// The Runtime API is on the same machine.
const PATIENCE: Duration = Duration::from_secs(1);

/// Posts the reason to the Runtime API at `address`, if there is one. By hand, because `lambda_runtime` does it for its
/// own reasons alone. What fails here is not told: the reason itself is about to be written to standard error.
pub(super) async fn report(address: Option<String>, reason: &Error) {
    let Some(endpoint) = address.and_then(|address| address.parse::<Uri>().ok()) else { return };
    if endpoint.authority().is_none() {
        return;
    }
    let diagnostic = Diagnostic { error_type: ERROR_TYPE.to_owned(), error_message: reason.to_string() };
    let request = build_request()
        .method(Method::POST)
        .uri("/2018-06-01/runtime/init/error")
        .header("content-type", "application/json")
        .header("lambda-runtime-function-error-type", ERROR_TYPE);
    let Ok(body) = serde_json::to_vec(&diagnostic) else { return };
    let Ok(request) = request.body(Body::from(body)) else { return };
    let client = PooledClient::builder().with_endpoint(endpoint).build();
    let _ = tokio::time::timeout(PATIENCE, client.call(request)).await;
}
