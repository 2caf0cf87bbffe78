//! Showing again who one is, in the session that one has (SE-10, RFC 9470): what needs a recent sign-in can then be asked for,
//! and no other session begins.
//!
//! Store requests: two reads in parallel (session, user); one round in parallel (credential, source's counter); the counter of
//! who is signed in; one transaction (session, check on the user, audit); the attempt is given back. A wrong password adds
//! one audit write in place of the last two.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::password::Password;
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::authenticate::{AuthenticateError, Authenticated, authenticate};
use crate::use_cases::password_check::{PasswordCheckError, check_password_of};
use crate::use_cases::sign_in::session::access_token;

/// What the session's next access token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteppedUp {
    /// A JWT (RFC 9068) of the same session. The refresh token stays as it is.
    pub access_token: String,
    /// How long it lives.
    pub expires_in: Duration,
    /// When the person showed who they are: now.
    pub authenticated_at: Timestamp,
}

/// Why the session is as it was.
#[derive(Debug, Error)]
pub enum StepUpError {
    /// The caller is nobody, or the session has ended.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// The password is wrong, or may not be tried now.
    #[error(transparent)]
    Password(#[from] PasswordCheckError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(StepUpError);

/// Notes in the caller's session that its person has shown the password again.
pub async fn step_up(
    app: &App,
    context: &RequestContext,
    bearer: Option<&str>,
    password: &Password,
) -> Result<SteppedUp, StepUpError> {
    let now = context.now;
    let Authenticated { user, session, .. } = authenticate(app, context, bearer).await?;
    // Before anything is written: no session may be noted whose token cannot be answered with.
    let signing = app.secrets.signing(now).await?;
    let key = signing.current(app.config.tokens.algorithm, now)?;
    let mut checked = check_password_of(app, context, &user, password).await?;
    let session = Session { authenticated_at: now, amr: vec!["pwd".to_owned()], ..session };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::SteppedUp, Some(session.id))?;
    if !app.store.step_up(&session, &audit).await? {
        checked.counted.stands();
        return Err(AuthenticateError::SessionEnded.into());
    }
    checked.counted.give_back().await;
    let (access_token, expires_in) = access_token(app, context, &session, &user.roles, key)?;
    Ok(SteppedUp { access_token, expires_in, authenticated_at: now })
}
