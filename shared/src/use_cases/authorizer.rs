//! Whether a bearer may call a customer's own API (TK-06).

use std::fmt;

use wardgate_verify::{AccessToken, VerifyError};

use crate::app::App;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::use_cases::authenticate::{AuthenticateError, live_session, principal, verify_with};
use crate::use_cases::oauth::live_grant::live_grant;

/// The answer.
#[derive(Debug)]
pub enum Decision {
    /// The token is for this API, and has the scopes that it asks for.
    Allowed(Box<AccessToken>),
    /// It is not.
    Denied(Reason),
}

/// Why a bearer is denied; for the log.
#[derive(Debug)]
pub struct Reason(AuthenticateError);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Decides. No store request, unless live sessions are to be checked.
pub async fn authorize(app: &App, now: Timestamp, token: Option<&str>) -> Result<Decision, Fault> {
    let decided = decide(app, now, token).await;
    match decided {
        Ok(token) => Ok(Decision::Allowed(Box::new(token))),
        Err(AuthenticateError::Fault(fault)) => Err(fault),
        Err(reason) => Ok(Decision::Denied(Reason(reason))),
    }
}

async fn decide(app: &App, now: Timestamp, token: Option<&str>) -> Result<AccessToken, AuthenticateError> {
    let token = token.ok_or(AuthenticateError::Missing)?;
    // Without an audience in the configuration there is nothing that a token could be for.
    let verifier = app.authorizer.as_ref().ok_or(AuthenticateError::InvalidToken(VerifyError::WrongAudience))?;
    let token = verify_with(app, verifier, now, token).await?;
    if app.config.authorizer.check_live_session {
        // An application's token has a grant in place of a session.
        if token.gid.is_some() {
            live_grant(app, now, &token).await?.ok_or(AuthenticateError::SessionEnded)?;
        } else {
            live_session(app, now, principal(&token)?).await?;
        }
    }
    Ok(token)
}
