//! Ending all of the caller's sessions but the one that asks (SE-04, SE-05).

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::request_context::RequestContext;
use crate::store::sign_in::sessions::OthersEnd;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// Ends every other session.
pub async fn end_other_sessions(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<(), AuthenticateError> {
    let caller = authenticate(app, context, caller).await?;
    let (user_id, session) = (caller.principal.user_id, caller.session);
    let audit = app.audit(context, Subject::User(user_id), AuditAction::OtherSessionsEnded, Some(session.id))?;
    match app.store.end_other_sessions(user_id, &session, &audit).await? {
        OthersEnd::Ended => Ok(()),
        OthersEnd::Dead => Err(AuthenticateError::SessionEnded),
    }
}
