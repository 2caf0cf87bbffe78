//! Signing in on a page: the browser keeps the session, and no token of its own.
//!
//! Store requests: as of [`crate::use_cases::sign_in::login`], and where the browser has a session already one round of two reads
//! before. If that one is another person's, one transaction ends it.

use crate::app::App;
use crate::crypto::oauth_token::BrowserSessionToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::fault::Fault;
use crate::use_cases::password_check::PasswordCheckError;
use crate::use_cases::sign_in::browser_session::browser_session;
use crate::use_cases::sign_in::login::{Login, begin_by_password, counted};
use crate::use_cases::sign_in::session::{Begun, Proven, begin, begin_again};

/// What a browser keeps.
pub struct SignedInBrowser {
    /// Names the session.
    pub session_token: String,
    /// What the device shows at its next sign-in.
    pub device_token: String,
}

/// Signs in. `session_token` is of the session that the browser has had until now: it goes on if it is the same person's
/// (OC-29), and ends if it is not.
pub async fn login_in_browser(
    app: &App,
    context: &RequestContext,
    login: Login,
    session_token: Option<&str>,
) -> Result<SignedInBrowser, PasswordCheckError> {
    counted(attempt(app, context, login, session_token).await)
}

async fn attempt(
    app: &App,
    context: &RequestContext,
    login: Login,
    session_token: Option<&str>,
) -> Result<SignedInBrowser, PasswordCheckError> {
    let ring = app.secrets.session_mac(context.now).await?;
    let key = ring.current(context.now)?;
    let found = browser_session(app, context, &ring, session_token).await?;
    let begins = async |proven: &Proven<'_>| {
        let own = found.as_ref().filter(|(found, _)| found.user.id == proven.credential.user_id);
        if let Some((found, secret)) = own
            && begin_again(app, context, proven, found.session.clone()).await?
        {
            let device_token = proven.device.token(key);
            return Ok(Some(Begun { session: found.session.clone(), secret: *secret, device_token }));
        }
        begin(app, context, proven, key).await
    };
    let (_, begun) = begin_by_password(app, context, &login, &ring, begins).await?;
    let session = &begun.session;
    if let Some((found, _)) = found.filter(|(found, _)| found.session.id != session.id)
        && let Err(cause) = end(app, context, &found.session).await
    {
        // The browser has forgotten it all the same, and by itself it ends, too.
        tracing::warn!(request_id = context.request_id, %cause, "could not end the session that a browser had before");
    }
    let token = BrowserSessionToken { user_id: session.user_id, session_id: session.id, secret: begun.secret };
    Ok(SignedInBrowser { session_token: token.seal(key), device_token: begun.device_token })
}

async fn end(app: &App, context: &RequestContext, session: &Session) -> Result<(), Fault> {
    let audit = app.audit(context, Subject::User(session.user_id), AuditAction::SessionEnded, Some(session.id))?;
    app.store.end_session(session.user_id, session.id, Some(&session.secret_hash), &audit).await?;
    Ok(())
}
