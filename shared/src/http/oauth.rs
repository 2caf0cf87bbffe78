//! How clients are refused: JSON by RFC 6749, 5.2, in place of a problem.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{self, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::problem::Problem;
use crate::http::reply::{Reply, retry_after};
use crate::http::request::Request;
use crate::use_cases::oauth::client_authentication::ClientProof;
use crate::use_cases::oauth::exchange::TokenError;

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

/// Refuses a client, with the challenge that it needs where it has shown itself by HTTP Basic.
pub fn refuse(request: &Request, error: TokenError) -> Result<Reply, Problem> {
    let bad = StatusCode::BAD_REQUEST;
    let (status, error, error_description) = match error {
        TokenError::InvalidRequest(why) => (bad, "invalid_request", why),
        TokenError::InvalidClient => {
            (StatusCode::UNAUTHORIZED, "invalid_client", "the client is not known, or its secret is wrong")
        }
        TokenError::InvalidGrant => (
            bad,
            "invalid_grant",
            "the code or refresh token is used, expired, or not of this client, redirect_uri and code_verifier",
        ),
        TokenError::UnauthorizedClient => (bad, "unauthorized_client", "the client is not registered for this grant"),
        TokenError::UnsupportedGrantType => {
            (bad, "unsupported_grant_type", "grant_type is authorization_code or refresh_token")
        }
        TokenError::InvalidScope => (bad, "invalid_scope", "the grant has not all of these scopes"),
        TokenError::InvalidTarget => (bad, "invalid_target", "the grant has no such resource"),
        TokenError::Fault(fault) => return Err(fault.into()),
    };
    let by_basic = request.headers.contains_key(AUTHORIZATION);
    let challenge = (by_basic && status == StatusCode::UNAUTHORIZED).then_some("Basic realm=\"token\"");
    refusal(status, OAuthError { error, error_description }, challenge)
}

/// How a client shows who it is. `None` of an `Authorization` header that is none (RFC 6749, 2.3.1): id and secret are encoded
/// as in a form, though ours need it not.
pub fn client_proof(headers: &HeaderMap) -> Option<ClientProof> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Some(ClientProof::Body) };
    if values.next().is_some() {
        return None;
    }
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim_matches(' ')).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(ClientProof::Basic(form_decoded(id), form_decoded(secret)))
}

fn form_decoded(text: &str) -> String {
    // Only a name has no `=` behind it.
    let text = format!("v={}", text.replace('&', "%26"));
    form_urlencoded::parse(text.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
