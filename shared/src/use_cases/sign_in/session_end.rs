//! Ending one of the caller's sessions (SE-05).

use thiserror::Error;

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::id::SessionId;
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::store::sign_in::sessions::SessionEnd;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// Why no session was ended.
#[derive(Debug, Error)]
pub enum EndSessionError {
    /// The caller has no such live session.
    #[error("there is no such session")]
    NotFound,
    /// The caller is nobody.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EndSessionError);

/// Ends a session of the caller's, which may be the one that the request comes with. `None` stands for an id that no
/// session can have: who asks matters first.
pub async fn end_session(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    session_id: Option<SessionId>,
) -> Result<(), EndSessionError> {
    let caller = authenticate(app, context, caller).await?.principal;
    let session_id = session_id.ok_or(EndSessionError::NotFound)?;
    let subject = Subject::User(caller.user_id);
    let audit = app.audit(context, subject, AuditAction::SessionEnded, Some(session_id))?;
    match app.store.end_session(caller.user_id, session_id, None, &audit).await? {
        SessionEnd::Ended => Ok(()),
        SessionEnd::NotFound => Err(EndSessionError::NotFound),
    }
}
