//! Leaving (SE-10): every session ends at once, and after a time of grace the account is erased
//! ([`crate::use_cases::eraser`]).
//!
//! Store requests: one round of two reads (session, user), one transaction (user, credential, turn, mail, audit).

use std::time::Duration;

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::store::accounts::deletions::DeletionSchedule;
use crate::store::error::StoreError;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};

/// How often the account may change under our hands.
const MOST_TRIES: usize = 5;

/// Lets the caller's account leave; says when it is erased. Until then, the mailed link keeps it.
pub async fn me_delete(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<Timestamp, AuthenticateError> {
    let asks = caller.into();
    let grace = Duration::from_secs(app.config.accounts.deletion_grace_seconds);
    let erase_at = context.now.plus(grace);
    for _ in 0..MOST_TRIES {
        let caller = authenticate_fresh(app, context, asks).await?;
        let (user, session) = (caller.user, caller.session);
        let keep = OneTime {
            user_id: Some(user.id),
            cred_version: Some(user.cred_version + 1),
            recipient: Some(user.email.clone()),
            ..app.one_time(context, Purpose::KeepAccount, user.email.key(), grace)?
        };
        let audit = app.audit(context, Subject::User(user.id), AuditAction::DeletionRequested, Some(session.id))?;
        match app.store.schedule_deletion(&user, erase_at, &keep, &audit).await? {
            DeletionSchedule::Scheduled => return Ok(erase_at),
            DeletionSchedule::Superseded => {}
        }
    }
    Err(StoreError::Unavailable("the account keeps changing".to_owned()).into())
}
