//! What a client may know of the person who has signed in (OpenID Connect Core 1.0, 5.3).
//!
//! Store requests: one round of two reads (grant, account), then one (session).

use serde_json::{Map, Value};
use thiserror::Error;
use wardgate_verify::Verifier;

use crate::app::App;
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::authenticate::{AuthenticateError, verify_with};
use crate::use_cases::oauth::issue::{claims_of, userinfo_audience};
use crate::use_cases::oauth::live_grant::live_grant;

/// Why nothing is told.
#[derive(Debug, Error)]
pub enum UserinfoError {
    /// There is no token.
    #[error("an access token is required")]
    Missing,
    /// It does not verify, is for somebody else, or what it came of has ended (OC-35). The reason is for the log.
    #[error("the access token is not valid: {0}")]
    InvalidToken(String),
    /// The client did not ask for `openid`.
    #[error("the token's scope does not have openid")]
    InsufficientScope,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(UserinfoError);

/// Tells a client who has signed in.
pub async fn userinfo(
    app: &App,
    context: &RequestContext,
    token: Option<&str>,
) -> Result<Map<String, Value>, UserinfoError> {
    let token = token.ok_or(UserinfoError::Missing)?;
    let ended = || UserinfoError::InvalidToken("what it came of has ended".to_owned());
    let verifier = Verifier::new(app.config.tokens.issuer.clone(), [userinfo_audience(app)]);
    let verifier = verifier.map_err(|cause| UserinfoError::InvalidToken(cause.to_string()))?;
    let token = verify_with(app, &verifier, context.now, token).await.map_err(|error| match error {
        AuthenticateError::InvalidToken(cause) => UserinfoError::InvalidToken(cause.to_string()),
        AuthenticateError::Fault(fault) => UserinfoError::Fault(fault),
        other => UserinfoError::InvalidToken(other.to_string()),
    })?;
    if !token.has_scope("openid") {
        return Err(UserinfoError::InsufficientScope);
    }
    let (grant, user) = live_grant(app, context.now, &token).await?.ok_or_else(ended)?;
    let mut claims = claims_of(&user, &grant.scopes);
    claims.insert("sub".to_owned(), user.id.to_string().into());
    Ok(claims)
}
