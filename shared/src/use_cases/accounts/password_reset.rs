//! Setting a new password with a mailed link (OT-06): it signs nobody in, and ends every session and every known device
//! but the one that it was done on.

use thiserror::Error;

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::crypto::password_hasher::Verification;
use crate::crypto::password_wrap;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::password::{Password, PasswordRejection};
use crate::domain::request_context::RequestContext;
use crate::domain::user::{User, UserStatus};
use crate::fault::{Fault, fault_arm};
use crate::store::accounts::passwords::{PasswordChange, PasswordSetting};
use crate::store::error::StoreError;
use crate::use_cases::choose_password::{choose_next_password, wrapped_hash};
use crate::use_cases::known_device::new_device;
use crate::use_cases::mailed_link::repeated;

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

/// A password that was set.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordSet {
    /// What this device shows at its next sign-in: strangers who guess at the address are not in its way (EN-02).
    pub device_token: String,
}

/// What became of a reset, with the address of the account.
pub enum PasswordReset {
    /// The password is set.
    Set(PasswordSet, Email),
    /// This browser had set it with its press before, which answered the device's token.
    Repeated(Email),
}

/// Sets the password, and names the account. A press that the same browser repeats with the same password is answered as
/// the first was (OT-02).
pub async fn password_reset(
    app: &App,
    context: &RequestContext,
    token: &str,
    new_password: &str,
) -> Result<PasswordReset, PasswordResetError> {
    let now = context.now;
    let ring = app.secrets.mail_mac(now).await?;
    let token =
        MailToken::open(token, Purpose::PasswordReset, &ring, now).map_err(|_| PasswordResetError::InvalidToken)?;
    match reset(app, context, &token, new_password).await {
        Err(PasswordResetError::InvalidToken) => {
            let used = repeated(app, context, &token).await?.ok_or(PasswordResetError::InvalidToken)?;
            let user = has_set(app, context, &used, new_password).await?;
            user.map(|user| PasswordReset::Repeated(user.email)).ok_or(PasswordResetError::InvalidToken)
        }
        reset => reset,
    }
}

async fn reset(
    app: &App,
    context: &RequestContext,
    token: &MailToken,
    new_password: &str,
) -> Result<PasswordReset, PasswordResetError> {
    let now = context.now;
    let session_ring = app.secrets.session_mac(now).await?;
    let mac_key = session_ring.current(now)?;
    let item = app.store.read_one_time(token).await?.filter(|item| item.is_live(now));
    let item = item.ok_or(PasswordResetError::InvalidToken)?.used_from(&context.origin);
    let user = account(app, &item).await?.ok_or(PasswordResetError::InvalidToken)?;
    let (password, factors) = choose_next_password(app, new_password, &user)
        .await
        .map_err(|rejection| PasswordResetError::Password(rejection, user.email.clone()))?;
    let hash = wrapped_hash(app, now, user.id, &password).await?;
    let notice = app.notice(context, Purpose::PasswordChanged, &user)?;
    let email = user.email.key();
    let device = new_device(app, context, &email, user.id, user.cred_version + 1)?;
    let setting = PasswordSetting {
        user: &user,
        password: &hash,
        factors: factors.as_ref(),
        token: Some(&item),
        kept: None,
        notice: &notice,
        device: &device.device,
    };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::PasswordReset, None)?;
    match app.store.set_password(&setting, &audit).await? {
        PasswordChange::Changed => {}
        PasswordChange::Superseded => return Err(PasswordResetError::InvalidToken),
        PasswordChange::FactorsChanged => {
            return Err(StoreError::Unavailable("the account has just changed".to_owned()).into());
        }
    }
    Ok(PasswordReset::Set(PasswordSet { device_token: device.token(mac_key) }, user.email))
}

/// The account whose password a used item has set, if it was this one, and still holds. The repeat was counted before
/// (EN-01).
async fn has_set(app: &App, context: &RequestContext, used: &OneTime, password: &str) -> Result<Option<User>, Fault> {
    let credential = app.store.read_credential(&used.email_key).await?.filter(|credential| {
        Some(credential.user_id) == used.user_id && Some(credential.cred_version) == used.cred_version.map(|it| it + 1)
    });
    let Some((credential, password)) = credential.zip(Password::attempt(password)) else { return Ok(None) };
    let Some(hash) = &credential.password else { return Ok(None) };
    let ring = app.secrets.password_wrap(context.now).await?;
    let phc = password_wrap::unwrap(hash, credential.user_id, &ring)?;
    if app.hasher.verify(&password, Some(phc.as_str())).await? != Verification::Match {
        return Ok(None);
    }
    Ok(app.store.read_user(credential.user_id).await?)
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
