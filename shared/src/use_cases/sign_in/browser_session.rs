//! Who is signed in in a browser.

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::oauth_token::BrowserSessionToken;
use crate::crypto::sealed_token::{TokenSecret, secret_hash};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::id::UserId;
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::store::error::StoreError;

/// A session that is alive, and its account.
pub(in crate::use_cases) struct BrowserSession {
    pub(in crate::use_cases) session: Session,
    pub(in crate::use_cases) user: User,
}

/// Whose session a browser says that it has, before anything is read.
pub(in crate::use_cases) fn session_user(
    context: &RequestContext,
    ring: &Ring<MacKey>,
    token: Option<&str>,
) -> Option<UserId> {
    token.and_then(|token| BrowserSessionToken::open(token, ring, context.now).ok()).map(|token| token.user_id)
}

/// Reads session and account at once, if the browser has a token that we made; `None` where nobody is signed in. With the
/// random bits of the token.
pub(in crate::use_cases) async fn browser_session(
    app: &App,
    context: &RequestContext,
    ring: &Ring<MacKey>,
    token: Option<&str>,
) -> Result<Option<(BrowserSession, TokenSecret)>, StoreError> {
    let token = token.and_then(|token| BrowserSessionToken::open(token, ring, context.now).ok());
    let Some(token) = token else { return Ok(None) };
    let (session, user) = app.store.read_session_and_user(token.user_id, token.session_id).await?;
    let (Some(session), Some(user)) = (session, user) else { return Ok(None) };
    let is_alive = session.is_live(context.now)
        && session.secret_hash == secret_hash(&token.secret)
        && app.admits(&user, &session);
    Ok(is_alive.then_some((BrowserSession { session, user }, token.secret)))
}

/// Ends it, if it has not ended yet.
pub(in crate::use_cases) async fn end_browser_session(
    app: &App,
    context: &RequestContext,
    session: &Session,
) -> Result<(), Fault> {
    let audit = app.audit(context, Subject::User(session.user_id), AuditAction::SessionEnded, Some(session.id))?;
    app.store.end_session(session.user_id, session.id, Some(&session.secret_hash), &audit).await?;
    Ok(())
}
