//! Signing out. It succeeds for a session that is already dead: there is nothing a client could do about it.

use thiserror::Error;
use wardgate_verify::VerifyError;

use crate::app::App;
use crate::crypto::sealed_token::{RefreshToken, secret_hash};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::id::{SessionId, UserId};
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::authenticate::{AuthenticateError, principal, verify};

/// What the client has of the session that is to end. The refresh token counts first.
#[derive(Debug, Clone, Copy)]
pub struct Logout<'a> {
    /// From the body.
    pub refresh_token: Option<&'a str>,
    /// From the `Authorization` header.
    pub access_token: Option<&'a str>,
}

/// Why nothing was ended.
#[derive(Debug, Error)]
pub enum LogoutError {
    /// Neither token was sent.
    #[error("a refresh token or an access token is required")]
    Missing,
    /// The token was never ours.
    #[error("the token is not valid")]
    InvalidToken,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(LogoutError);

/// Ends the session that the token belongs to.
pub async fn logout(app: &App, context: &RequestContext, logout: Logout<'_>) -> Result<(), LogoutError> {
    let (user_id, session_id, hash) = match logout {
        Logout { refresh_token: Some(token), .. } => {
            let ring = app.secrets.session_mac(context.now).await?;
            let token = RefreshToken::open(token, &ring, context.now).map_err(|_| LogoutError::InvalidToken)?;
            (token.user_id, token.session_id, Some(secret_hash(&token.secret)))
        }
        Logout { access_token: Some(token), .. } => {
            let (user_id, session_id) = session_of(app, context, token).await?;
            (user_id, session_id, None)
        }
        Logout { .. } => return Err(LogoutError::Missing),
    };
    let audit = app.audit(context, Subject::User(user_id), AuditAction::SessionEnded, Some(session_id))?;
    // Ended now or ended before: it is over.
    app.store.end_session(user_id, session_id, hash.as_deref(), &audit).await?;
    Ok(())
}

/// The session of an access token, expired or not: an old token of ours still says which session its holder means.
async fn session_of(app: &App, context: &RequestContext, token: &str) -> Result<(UserId, SessionId), LogoutError> {
    let claims = match verify(app, context, token).await {
        Ok(claims) => claims,
        Err(AuthenticateError::InvalidToken(VerifyError::Expired { token })) => *token,
        Err(AuthenticateError::Fault(fault)) => return Err(LogoutError::Fault(fault)),
        Err(_) => return Err(LogoutError::InvalidToken),
    };
    let principal = principal(&claims).map_err(|_| LogoutError::InvalidToken)?;
    Ok((principal.user_id, principal.session_id))
}
