//! Checking a password, wherever one is asked for: the attempt is reserved before anything is evaluated (EN-01).

use std::time::Duration;

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::password_hasher::Verification;
use crate::crypto::password_wrap;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::device::Device;
use crate::domain::email::EmailKey;
use crate::domain::password::Password;
use crate::domain::user::UserStatus;
use crate::store::devices::{DeviceClaim, DeviceReservation};
use crate::store::error::StoreError;
use crate::store::limits::{Reservation, Scope};
use crate::use_cases::fault::{Fault, fault_arm};
use crate::use_cases::reserve::reserve_for_source;

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
    /// The device whose counter the attempt was counted on, instead of the address's.
    pub(super) device: Option<Device>,
}

/// Checks the password of an address, known or not, at the same cost.
pub(super) async fn check_password(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    password: &Password,
) -> Result<Checked, PasswordCheckError> {
    check_password_from(app, context, email, password, None).await
}

/// As [`check_password`], from a device that may be known.
pub(super) async fn check_password_from(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    password: &Password,
    device: Option<&DeviceClaim>,
) -> Result<Checked, PasswordCheckError> {
    let (now, limits) = (context.now, &app.config.limits);
    let wrap_ring = app.secrets.password_wrap(now).await?;
    let (credential, (mut by_counter, mut device), by_source) = futures::try_join!(
        app.store.read_credential(email),
        reserve(app, context, email, device),
        reserve_for_source(app, context, Scope::LoginSource, &limits.login_source),
    )?;
    // The address may have another account by now, or none: then the device is a stranger's.
    if device.as_ref().is_some_and(|device| credential.as_ref().is_none_or(|found| found.user_id != device.user_id)) {
        (by_counter, device) = (app.store.reserve_sign_in(email, &limits.login_account, now).await?, None);
    }
    for reservation in [by_counter, by_source] {
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
        (Verification::Match, Some((credential, _))) => Ok(Checked { credential, outdated: None, device }),
        (Verification::MatchOutdated, Some((credential, hash))) => {
            Ok(Checked { credential, outdated: Some(hash), device })
        }
        _ => Err(refuse(app, context, email.clone()).await?),
    }
}

/// Counts the attempt, on the counter of a known device or else on the address's (EN-02).
async fn reserve(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    device: Option<&DeviceClaim>,
) -> Result<(Reservation, Option<Device>), StoreError> {
    let (now, limit) = (context.now, &app.config.limits.login_account);
    if let Some(claim) = device {
        match app.store.reserve_on_device(claim, limit, now).await? {
            DeviceReservation::Reserved(device) => return Ok((Reservation::Reserved, Some(device))),
            DeviceReservation::Refused(refused) => return Ok((refused, None)),
            DeviceReservation::Unknown => {}
        }
    }
    Ok((app.store.reserve_sign_in(email, limit, now).await?, None))
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
    record_failure(app, context, email).await?;
    Ok(PasswordCheckError::Wrong)
}

/// Adds the line about failing sign-ins to an address, known or not.
pub(super) async fn record_failure(app: &App, context: &RequestContext, email: EmailKey) -> Result<(), Fault> {
    let audit = app.audit(context, Subject::Address(email), AuditAction::SignInFailed, None)?;
    Ok(app.store.record_failed_sign_in(&audit).await?)
}
