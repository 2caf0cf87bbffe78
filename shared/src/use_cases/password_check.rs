//! Checking a password, wherever one is asked for: the attempt is reserved before anything is evaluated (EN-01).

use std::time::Duration;

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::password_hasher::Verification;
use crate::crypto::password_wrap;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::EmailKey;
use crate::domain::password::Password;
use crate::domain::user::UserStatus;
use crate::store::limits::{Reservation, Scope};
use crate::use_cases::fault::{Fault, fault_arm};

/// Why a password did not open anything.
#[derive(Debug, Error)]
pub enum PasswordCheckError {
    /// Wrong password, unknown address, unverified address or disabled account: the answer is the same (EN-04).
    #[error("the address or the password is wrong")]
    Wrong,
    /// Too many attempts; this one was not evaluated (EN-02).
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(PasswordCheckError);

/// A credential whose password was right.
pub(super) struct Checked {
    pub(super) credential: Credential,
    /// The hash, where it is one that today's parameters would not make (PW-01).
    pub(super) outdated: Option<WrappedHash>,
}

/// Checks the password of an address, known or not, at the same cost.
pub(super) async fn check_password(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    password: &Password,
) -> Result<Checked, PasswordCheckError> {
    let (now, limits) = (context.now, &app.config.limits);
    let wrap_ring = app.secrets.password_wrap(now).await?;
    let source = context.origin.source();
    let (credential, by_account, by_source) = futures::try_join!(
        app.store.read_credential(email),
        app.store.reserve_sign_in(email, &limits.login_account, now),
        app.store.reserve_in_window(Scope::LoginSource, &source, &limits.login_source, now),
    )?;
    for reservation in [by_account, by_source] {
        if let Reservation::Refused { retry_after } = reservation {
            return Err(PasswordCheckError::TooManyAttempts { retry_after });
        }
    }
    let known = credential.filter(|credential| admits(app, credential));
    let known = known.and_then(|credential| credential.password.clone().map(|hash| (credential, hash)));
    let phc = known
        .as_ref()
        .map(|(credential, hash)| password_wrap::unwrap(hash, credential.user_id, &wrap_ring))
        .transpose()?;
    let verification = app.hasher.verify(password, phc.as_ref().map(|phc| phc.as_str())).await?;
    match (verification, known) {
        (Verification::Match, Some((credential, _))) => Ok(Checked { credential, outdated: None }),
        (Verification::MatchOutdated, Some((credential, hash))) => Ok(Checked { credential, outdated: Some(hash) }),
        _ => Err(refuse(app, context, email.clone()).await?),
    }
}

/// Whether the account behind a credential may sign in. The password is hashed either way, so that the answer takes as
/// long (EN-04).
pub(super) fn admits(app: &App, credential: &Credential) -> bool {
    credential.status == UserStatus::Active
        && credential.reserved_until.is_none()
        && (credential.email_verified || !app.config.accounts.require_verified_email)
}

/// Records that the check failed.
pub(super) async fn refuse(app: &App, context: &RequestContext, email: EmailKey) -> Result<PasswordCheckError, Fault> {
    let audit = app.audit(context, Subject::Address(email), AuditAction::SignInFailed, None)?;
    app.store.record_failed_sign_in(&audit).await?;
    Ok(PasswordCheckError::Wrong)
}
