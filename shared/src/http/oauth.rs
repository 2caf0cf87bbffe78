//! How clients are refused: JSON by RFC 6749, 5.2, in place of a problem.

use http::{HeaderValue, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::problem::Problem;
use crate::http::reply::{Reply, retry_after};

/// A refusal as OAuth's clients read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OAuthError {
    /// For programs (RFC 6749, 5.2; RFC 6750, 3.1).
    pub error: &'static str,
    /// For developers.
    pub error_description: &'static str,
}

/// A refusal with its status, and the `WWW-Authenticate` header that it needs.
pub fn refusal(status: StatusCode, error: OAuthError, challenge: Option<&'static str>) -> Result<Reply, Problem> {
    let mut reply = Reply::json(status, &error)?;
    let challenge = challenge.map(|challenge| (header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
    reply.headers.extend(challenge);
    Ok(reply)
}

/// Gives what went wrong on our side the form that clients read. The status and the log stay.
pub fn in_oauth_terms(result: Result<Reply, Problem>) -> Result<Reply, Problem> {
    result.map_err(|problem| {
        let error = match problem.status {
            status if status == StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
            status if status.is_server_error() => "server_error",
            StatusCode::TOO_MANY_REQUESTS => "temporarily_unavailable",
            _ => "invalid_request",
        };
        let body = OAuthError { error, error_description: problem.title };
        let Ok(mut reply) = Reply::json(problem.status, &body) else { return problem };
        reply.headers.extend(problem.retry_after.map(retry_after));
        Problem { page: Some(Box::new(reply)), ..problem }
    })
}
