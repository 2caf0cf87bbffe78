//! Setting a new password with a mailed link (OT-06): it signs nobody in, and ends every session.

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::password::PasswordRejection;
use crate::domain::user::{User, UserStatus};
use crate::store::passwords::{PasswordChange, PasswordSetting};
use crate::use_cases::choose_password::{choose_password, wrapped_hash};
use crate::use_cases::fault::{Fault, fault_arm};

/// Why no password was set.
#[derive(Debug, Error)]
pub enum PasswordResetError {
    /// Forged, expired, used, or of an account that has changed since: the person has to ask again, whatever it was.
    #[error("the link is no longer valid")]
    InvalidToken,
    /// The password is not good enough for this account. The link still works.
    #[error("{0}")]
    Password(PasswordRejection, Email),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(PasswordResetError);

/// Sets the password, and names the account.
pub async fn password_reset(
    app: &App,
    context: &RequestContext,
    token: &str,
    new_password: &str,
) -> Result<Email, PasswordResetError> {
    let now = context.now;
    let ring = app.secrets.mail_mac(now).await?;
    let token =
        MailToken::open(token, Purpose::PasswordReset, &ring, now).map_err(|_| PasswordResetError::InvalidToken)?;
    let item = app.store.read_one_time(&token).await?.filter(|item| item.is_live(now));
    let item = item.ok_or(PasswordResetError::InvalidToken)?;
    let user = account(app, &item).await?.ok_or(PasswordResetError::InvalidToken)?;
    let password = choose_password(app, new_password, &user.email, user.name.as_ref())
        .await
        .map_err(|rejection| PasswordResetError::Password(rejection, user.email.clone()))?;
    let hash = wrapped_hash(app, now, user.id, &password).await?;
    let notice = app.notice(context, Purpose::PasswordChanged, &user)?;
    let setting = PasswordSetting { user: &user, password: &hash, token: Some(&item), kept: None, notice: &notice };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::PasswordReset, None)?;
    match app.store.set_password(&setting, &audit).await? {
        PasswordChange::Changed => {}
        PasswordChange::Superseded => return Err(PasswordResetError::InvalidToken),
    }
    // Strangers' failures must not keep the owner out after a reset (EN-02). The password is set either way.
    if let Err(cause) = app.store.clear_sign_in_failures(&item.email_key).await {
        tracing::warn!(request_id = context.request_id, %cause, "could not clear the failures after a reset");
    }
    Ok(user.email)
}

/// The account that the item is bound to, if its credentials are still those that the mail was sent for (SE-04).
async fn account(app: &App, item: &OneTime) -> Result<Option<User>, Fault> {
    let Some(user_id) = item.user_id else { return Ok(None) };
    let user = app.store.read_user(user_id).await?;
    Ok(user.filter(|user| {
        user.status == UserStatus::Active
            && Some(user.cred_version) == item.cred_version
            && user.email.key() == item.email_key
    }))
}
