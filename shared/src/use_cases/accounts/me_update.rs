//! Changing one's own profile.
//!
//! Store requests: one round of two reads (session, user), one transaction (user, audit).

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::name::DisplayName;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::store::accounts::profiles::ProfileChange;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// Sets the caller's name, or takes it away.
pub async fn me_update(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    name: Option<DisplayName>,
) -> Result<User, AuthenticateError> {
    let caller = authenticate(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    let audit = app.audit(context, Subject::User(user.id), AuditAction::ProfileChanged, Some(session.id))?;
    match app.store.set_name(user.id, name.as_ref(), &audit).await? {
        ProfileChange::Changed => Ok(User { name, ..user }),
        ProfileChange::Dead => Err(AuthenticateError::SessionEnded),
    }
}
