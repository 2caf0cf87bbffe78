//! Asking for another address (OT-12). The account moves when a link in the new mailbox is followed.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::device::Device;
use crate::domain::email::Email;
use crate::domain::factors::PasswordKind;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::password::Password;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::limits::Reservation;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};
use crate::use_cases::counted::Counted;
use crate::use_cases::known_device::{device_of_user, presented_device};
use crate::use_cases::order_mail::{Order, reserve_order};
use crate::use_cases::password_check::{PasswordCheckError, check_password_of};

/// The most addresses that are kept for one account at a time: going back gives up all of them in one transaction.
const MOST_FORMER_ADDRESSES: usize = 10;

/// Where to, and the proof that it is the owner who asks.
pub struct EmailChange<'a> {
    /// The address to move to.
    pub new_email: Email,
    /// The account's password; none where it has none (MF-21).
    pub password: Option<&'a Password>,
    /// What an earlier sign-in gave the device, if it was one.
    pub device_token: Option<&'a str>,
}

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
    /// The account has a password, and it was not shown.
    #[error("the password is missing")]
    PasswordMissing,
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
    caller: impl Into<Caller<'_>>,
    change: EmailChange<'_>,
) -> Result<(), EmailChangeError> {
    let new_email = change.new_email;
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session, new_key) = (caller.user, caller.session, new_email.key());
    if new_key == user.email.key() {
        return Err(EmailChangeError::Unchanged);
    }
    if let Some(retry_after) = wait(&user, context.now) {
        return Err(EmailChangeError::TooManyChanges { retry_after });
    }
    let session_ring = app.secrets.session_mac(context.now).await?;
    let presented = presented_device(change.device_token, &user.email.key(), &session_ring, context);
    let counted = match change.password {
        Some(password) => check_password_of(app, context, &user, password).await?.counted,
        // The session has just shown a passkey in its place.
        None if user.factors.password == PasswordKind::None => Counted::nowhere(app)?,
        None => return Err(EmailChangeError::PasswordMissing),
    };
    let order = Order { kind: MailKind::EmailChange, email: &new_key, device: None };
    let reservation = reserve_order(app, context, &order);
    let given = async {
        counted.give_back().await;
        Ok(())
    };
    let (reservation, ()) = futures::try_join!(reservation, given)?;
    if let Reservation::Refused { .. } = reservation {
        return Ok(());
    }
    let device = device_of_user(app, context, &user, presented.as_ref());
    let (there, device) = futures::try_join!(app.store.read_credential(&new_key), device)?;
    let taken = there.is_some_and(|credential| !credential.is_free(context.now));
    let purpose = if taken { Purpose::Resend } else { Purpose::EmailChange };
    let life = Duration::from_secs(app.config.accounts.email_change_seconds);
    let item = OneTime {
        user_id: Some(user.id),
        cred_version: Some(user.cred_version),
        recipient: Some(new_email),
        undo_seconds: device.and_then(|device| shorter_undo(app, context, &device)),
        ..app.one_time(context, purpose, new_key, life)?
    };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::EmailChangeRequested, Some(session.id))?;
    Ok(app.store.add_one_time_recorded(&item, &audit).await?)
}

/// A thief has no device that is older than the undo of what the thief does; the owner may have to leave a mailbox that
/// somebody else reads.
fn shorter_undo(app: &App, context: &RequestContext, device: &Device) -> Option<u64> {
    let accounts = &app.config.accounts;
    let is_old = context.now.since(device.created_at) >= Duration::from_secs(accounts.email_undo_seconds);
    is_old.then_some(accounts.email_undo_known_device_seconds)
}

fn wait(user: &User, now: Timestamp) -> Option<Duration> {
    let kept = user.former_addresses.iter().map(|address| address.reserved_until).filter(|until| *until > now);
    let oldest = kept.clone().min()?;
    (kept.count() >= MOST_FORMER_ADDRESSES).then(|| oldest.since(now))
}
