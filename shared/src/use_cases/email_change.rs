//! Asking for another address (OT-12). The account moves when a link in the new mailbox is followed.

use std::time::Duration;

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::password::Password;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::limits::Reservation;
use crate::use_cases::authenticate::{AuthenticateError, authenticate_fresh};
use crate::use_cases::fault::{Fault, fault_arm};
use crate::use_cases::order_mail::{Order, reserve_order};
use crate::use_cases::password_check::{PasswordCheckError, check_password};

/// The most addresses that are kept for one account at a time: going back gives up all of them in one transaction.
const MOST_FORMER_ADDRESSES: usize = 10;

/// Why no change was begun.
#[derive(Debug, Error)]
pub enum EmailChangeError {
    /// The caller is nobody, or has not just signed in.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// The account has this address.
    #[error("the account has this address already")]
    Unchanged,
    /// Too many addresses are kept for undoing.
    #[error("the address was changed too often")]
    TooManyChanges {
        /// When the oldest is no longer kept.
        retry_after: Duration,
    },
    /// The password is wrong, or may not be tried now.
    #[error(transparent)]
    Password(#[from] PasswordCheckError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EmailChangeError);

/// Orders the mail to the new address, unless a limit of mails is reached: that is not told. Nor is whether that address has
/// an account: the item and its write are the same, but one that orders nothing.
pub async fn email_change(
    app: &App,
    context: &RequestContext,
    access_token: Option<&str>,
    new_email: Email,
    password: &Password,
) -> Result<(), EmailChangeError> {
    let caller = authenticate_fresh(app, context, access_token).await?;
    let (user, session, new_key) = (caller.user, caller.session, new_email.key());
    if new_key == user.email.key() {
        return Err(EmailChangeError::Unchanged);
    }
    if let Some(retry_after) = wait(&user, context.now) {
        return Err(EmailChangeError::TooManyChanges { retry_after });
    }
    check_password(app, context, &user.email.key(), password).await?;
    let order = Order { kind: MailKind::EmailChange, email: &new_key, device: None };
    if let Reservation::Refused { .. } = reserve_order(app, context, &order).await? {
        return Ok(());
    }
    let there = app.store.read_credential(&new_key).await?;
    let taken = there.is_some_and(|credential| !credential.is_free(context.now));
    let purpose = if taken { Purpose::Resend } else { Purpose::EmailChange };
    let life = Duration::from_secs(app.config.accounts.email_change_seconds);
    let item = OneTime {
        user_id: Some(user.id),
        cred_version: Some(user.cred_version),
        recipient: Some(new_email),
        ..app.one_time(context, purpose, new_key, life)?
    };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::EmailChangeRequested, Some(session.id))?;
    Ok(app.store.add_one_time_recorded(&item, &audit).await?)
}

fn wait(user: &User, now: Timestamp) -> Option<Duration> {
    let kept = user.former_addresses.iter().map(|address| address.reserved_until).filter(|until| *until > now);
    let oldest = kept.clone().min()?;
    (kept.count() >= MOST_FORMER_ADDRESSES).then(|| oldest.since(now))
}
