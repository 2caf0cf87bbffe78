//! What an operator does for a person whose second factors are all lost, once it is clear who asks (MF-20): the wait is over at once.
//! Nothing is taken away by that. It takes the first factor and a link in the account's mailbox, and the owner is told.

use thiserror::Error;

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::UserStatus;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::sign_in::login_mfa_lost::{loss_from, notice_of};

/// Why nothing is allowed.
#[derive(Debug, Error)]
pub enum AllowRecoveryError {
    /// There is no account that can sign in at this address.
    #[error("no active account has this address")]
    NoAccount,
    /// It has nothing that could be lost.
    #[error("this account has no second factor")]
    NoSecondFactor,
    /// The account has another address since lately: its former owner could still take it back, and has to hear of this.
    #[error("the address was changed lately: until {} that can be undone", .0.rfc3339())]
    AddressChanged(Timestamp),
    /// The account has changed since it was read.
    #[error("the account has changed meanwhile: try again")]
    ChangedMeanwhile,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(AllowRecoveryError);

/// Lets the account's second factors be taken away by mail from now on, and gives until when.
pub async fn allow_recovery(
    app: &App,
    context: &RequestContext,
    email: &Email,
) -> Result<Timestamp, AllowRecoveryError> {
    let now = context.now;
    let credential = app.store.read_credential(&email.key()).await?.filter(|found| found.reserved_until.is_none());
    let user = match credential {
        Some(credential) => app.store.read_user(credential.user_id).await?,
        None => None,
    };
    let user = user.filter(|user| user.status == UserStatus::Active).ok_or(AllowRecoveryError::NoAccount)?;
    if !user.factors.has_any() {
        return Err(AllowRecoveryError::NoSecondFactor);
    }
    if let Some(until) = user.address_can_be_undone_until(now) {
        return Err(AllowRecoveryError::AddressChanged(until));
    }
    let loss = loss_from(now, now, &user);
    let notice = notice_of(app, context, &loss, &user)?;
    let audit = app.audit(context, Subject::User(user.id), AuditAction::FactorLossAllowed, None)?;
    if app.store.allow_factor_loss(&user, &loss, &notice, &audit).await? {
        Ok(loss.expires_at)
    } else {
        Err(AllowRecoveryError::ChangedMeanwhile)
    }
}
