//! Changing one's password (PW-06): needs the current one, ends every other session, and tells the owner by mail.

use thiserror::Error;

use crate::app::App;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::factors::PasswordKind;
use crate::domain::one_time::Purpose;
use crate::domain::password::{Password, PasswordRejection};
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::accounts::passwords::{PasswordChange, PasswordSetting};
use crate::store::error::StoreError;
use crate::use_cases::accounts::password_reset::PasswordSet;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};
use crate::use_cases::choose_password::{choose_next_password, wrapped_hash};
use crate::use_cases::counted::Counted;
use crate::use_cases::known_device::{device_of_user, new_device, presented_device};
use crate::use_cases::password_check::{PasswordCheckError, check_password_of};

/// Both passwords, and where they are typed.
pub struct ChangePassword<'a> {
    /// The present one; none where the account has none (MF-21).
    pub current: Option<&'a Password>,
    /// The new one, as it was typed.
    pub new_password: &'a str,
    /// What an earlier sign-in gave the device, if it was one.
    pub device_token: Option<&'a str>,
}

/// Why the password was not changed.
#[derive(Debug, Error)]
pub enum PasswordChangeError {
    /// The caller is nobody, or has not just signed in.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// The current password is wrong, or may not be tried now.
    #[error(transparent)]
    Current(#[from] PasswordCheckError),
    /// The account has one, and it was not shown.
    #[error("the current password is missing")]
    CurrentMissing,
    /// The new password is not good enough.
    #[error(transparent)]
    Password(#[from] PasswordRejection),
    /// The credentials changed meanwhile.
    #[error("the credentials changed meanwhile")]
    Superseded,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(PasswordChangeError);

/// Changes the password. The session that asks lives on.
pub async fn password_change(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    change: ChangePassword<'_>,
) -> Result<PasswordSet, PasswordChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    // Before the current one is tried: a password that breaks a rule must not cost an attempt.
    let (password, factors) = choose_next_password(app, change.new_password, &user).await?;
    // Before anything is written: no device may be known whose token cannot be answered with.
    let session_ring = app.secrets.session_mac(context.now).await?;
    let mac_key = session_ring.current(context.now)?;
    let presented = presented_device(change.device_token, &user.email.key(), &session_ring, context);
    let mut counted = show_current(app, context, &user, change.current).await?;
    let hash = wrapped_hash(app, context.now, user.id, &password).await?;
    let notice = app.notice(context, Purpose::PasswordChanged, &user)?;
    let email = user.email.key();
    let mut device = new_device(app, context, &email, user.id, user.cred_version + 1)?;
    // The same one under another token: it has been known for as long (OT-12).
    if let Some(before) = device_of_user(app, context, &user, presented.as_ref()).await? {
        device.device.created_at = before.created_at;
    }
    let setting = PasswordSetting {
        user: &user,
        password: &hash,
        factors: factors.as_ref(),
        token: None,
        kept: Some(&session),
        notice: &notice,
        device: &device.device,
    };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::PasswordChanged, Some(session.id))?;
    match app.store.set_password(&setting, &audit).await? {
        PasswordChange::Changed => {}
        PasswordChange::FactorsChanged => {
            counted.give_back().await;
            return Err(StoreError::Unavailable("the account has just changed".to_owned()).into());
        }
        PasswordChange::Superseded => {
            counted.stands();
            return Err(PasswordChangeError::Superseded);
        }
    }
    counted.give_back().await;
    Ok(PasswordSet { device_token: device.token(mac_key) })
}

/// Where the account has no password, its session has just shown a passkey in its place (MF-21).
async fn show_current(
    app: &App,
    context: &RequestContext,
    user: &User,
    current: Option<&Password>,
) -> Result<Counted, PasswordChangeError> {
    match current {
        Some(current) => Ok(check_password_of(app, context, user, current).await?.counted),
        None if user.factors.password == PasswordKind::None => Ok(Counted::nowhere(app)?),
        None => Err(PasswordChangeError::CurrentMissing),
    }
}
