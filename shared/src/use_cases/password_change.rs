//! Changing one's password (PW-06): needs the current one, ends every other session, and tells the owner by mail.

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::one_time::Purpose;
use crate::domain::password::{Password, PasswordRejection};
use crate::store::passwords::{PasswordChange, PasswordSetting};
use crate::use_cases::authenticate::{AuthenticateError, authenticate_fresh};
use crate::use_cases::choose_password::{choose_password, wrapped_hash};
use crate::use_cases::fault::{Fault, fault_arm};
use crate::use_cases::password_check::{PasswordCheckError, check_password};

/// Why the password was not changed.
#[derive(Debug, Error)]
pub enum PasswordChangeError {
    /// The caller is nobody, or has not just signed in.
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    /// The current password is wrong, or may not be tried now.
    #[error(transparent)]
    Current(#[from] PasswordCheckError),
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
    access_token: Option<&str>,
    current: &Password,
    new_password: &str,
) -> Result<(), PasswordChangeError> {
    let caller = authenticate_fresh(app, context, access_token).await?;
    let (user, session) = (caller.user, caller.session);
    // Before the current one is tried: a password that breaks a rule must not cost an attempt.
    let password = choose_password(app, new_password, &user.email, user.name.as_ref()).await?;
    check_password(app, context, &user.email.key(), current).await?;
    let hash = wrapped_hash(app, context.now, user.id, &password).await?;
    let notice = app.notice(context, Purpose::PasswordChanged, &user)?;
    let setting =
        PasswordSetting { user: &user, password: &hash, token: None, kept: Some(session.id), notice: &notice };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::PasswordChanged, Some(session.id))?;
    match app.store.set_password(&setting, &audit).await? {
        PasswordChange::Changed => Ok(()),
        PasswordChange::Superseded => Err(PasswordChangeError::Superseded),
    }
}
