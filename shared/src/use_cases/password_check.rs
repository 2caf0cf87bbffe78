//! Checking a password, wherever one is asked for: the attempt is reserved before anything is evaluated (EN-01), on one
//! counter after the other, from the narrowest to the widest (EN-02, decision 32).

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::key_ring::{Ring, WrapKey};
use crate::crypto::password_hasher::Verification;
use crate::crypto::password_wrap;
use crate::domain::attempts::WindowedFailureLimit;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::EmailKey;
use crate::domain::password::Password;
use crate::domain::request_context::RequestContext;
use crate::domain::user::{User, UserStatus};
use crate::fault::{Fault, fault_arm};
use crate::store::limits::{Place, Reservation, Scope};
use crate::store::sign_in::devices::{DeviceClaim, DeviceReservation};
use crate::use_cases::counted::Counted;
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
    /// Where the attempt was counted: to be given back once it has led to what was asked for.
    pub(super) counted: Counted,
}

/// Checks the password of an address, known or not, at the same cost, from a device that may be known.
pub(super) async fn check_password_from(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    password: &Password,
    device: Option<&DeviceClaim>,
) -> Result<Checked, PasswordCheckError> {
    let wrap_ring = app.secrets.password_wrap(context.now).await?;
    let credential = begin(app, context, email).await?;
    let mut counted = Counted::nowhere(app)?;
    reserve_on_device(app, context, credential.as_ref(), device, &mut counted).await?;
    if counted.device().is_none() {
        reserve_on_address(app, context, email, &mut counted).await?;
    }
    evaluate(app, context, email, password, (credential, &*wrap_ring), counted).await
}

/// Checks the password of a person who is signed in. Strangers who guess at the address are not in the way.
pub(super) async fn check_password_of(
    app: &App,
    context: &RequestContext,
    user: &User,
    password: &Password,
) -> Result<Checked, PasswordCheckError> {
    let (email, limit) = (user.email.key(), &app.config.limits.password_user);
    let wrap_ring = app.secrets.password_wrap(context.now).await?;
    let credential = begin(app, context, &email).await?;
    let mut counted = Counted::nowhere(app)?;
    reserve_failure(app, context, (Scope::PasswordUser, &user.id.to_string(), limit), &mut counted).await?;
    // The address may be another account's by now.
    let credential = credential.filter(|credential| credential.user_id == user.id);
    evaluate(app, context, &email, password, (credential, &*wrap_ring), counted).await
}

/// Counts the attempt against its source, before any other counter is touched, and reads the credential meanwhile.
async fn begin(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
) -> Result<Option<Credential>, PasswordCheckError> {
    let limit = &app.config.limits.login_source;
    let by_source = reserve_for_source(app, context, Scope::LoginSource, limit);
    let (credential, by_source) = futures::try_join!(app.store.read_credential(email), by_source)?;
    admitted(by_source)?;
    Ok(credential)
}

/// Counts the attempt on a device of the account, under its present credentials: unless there is no such device, or it has
/// used up its attempts.
async fn reserve_on_device(
    app: &App,
    context: &RequestContext,
    credential: Option<&Credential>,
    device: Option<&DeviceClaim>,
    counted: &mut Counted,
) -> Result<(), PasswordCheckError> {
    let (Some(credential), Some(claim)) = (credential, device) else { return Ok(()) };
    let limit = &app.config.limits.login_device;
    counted.begin_on_device(Place::device(&claim.email_key, claim.id));
    let reserved = app.store.reserve_on_device(claim, credential, limit, counted.attempt(), context.now).await?;
    let (device, refused) = match reserved {
        DeviceReservation::Reserved(device) => (Some(device), Ok(())),
        DeviceReservation::Unknown => (None, Ok(())),
        DeviceReservation::Refused { retry_after } => (None, Err(PasswordCheckError::TooManyAttempts { retry_after })),
    };
    counted.on_device(device);
    refused
}

/// Counts the attempt on the pair, and only then on the address: who is over the first limit spends nothing of the owner's.
async fn reserve_on_address(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    counted: &mut Counted,
) -> Result<(), PasswordCheckError> {
    let (now, limits, pair) = (context.now, &app.config.limits, pair_subject(context, email));
    reserve_failure(app, context, (Scope::LoginPair, &pair, &limits.login_pair), counted).await?;
    let (account, attempt) = (&limits.login_account, counted.attempt().to_owned());
    let place = Place::window(Scope::LoginAccount, email.as_str(), account, now);
    let reserved = counted.count(place.clone(), app.store.reserve_attempt(&place, account, &attempt, now)).await?;
    if let Reservation::Refused { .. } = reserved {
        // What the address refuses has counted for the pair all the same.
        counted.stands();
    }
    admitted(reserved)
}

async fn reserve_failure(
    app: &App,
    context: &RequestContext,
    (scope, subject, limit): (Scope, &str, &WindowedFailureLimit),
    counted: &mut Counted,
) -> Result<(), PasswordCheckError> {
    let (now, attempt) = (context.now, counted.attempt().to_owned());
    let place = Place::failures(scope, subject, limit, now);
    let request = app.store.reserve_failure(&place, limit, &attempt, now);
    admitted(counted.count(place.clone(), request).await?)
}

fn pair_subject(context: &RequestContext, email: &EmailKey) -> String {
    format!("{}#{}", email.as_str(), context.origin.pair_source())
}

fn admitted(reservation: Reservation) -> Result<(), PasswordCheckError> {
    match reservation {
        Reservation::Reserved => Ok(()),
        Reservation::Refused { retry_after } => Err(PasswordCheckError::TooManyAttempts { retry_after }),
    }
}

/// Compares. An attempt that our side did not let come to that is given back: nobody learnt anything from it. A wrong one
/// stands, and so does a right one until it has led to what was asked for, or our side has failed on the way: who knows the
/// password learns nothing from being told twice.
async fn evaluate(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    password: &Password,
    (credential, wrap_ring): (Option<Credential>, &Ring<WrapKey>),
    mut counted: Counted,
) -> Result<Checked, PasswordCheckError> {
    let known = credential.filter(|credential| admits(app, credential));
    let known = known.and_then(|credential| credential.password.clone().map(|hash| (credential, hash)));
    let verification = match verify(app, password, known.as_ref(), wrap_ring).await {
        Ok(verification) => verification,
        Err(fault) => {
            counted.give_back().await;
            return Err(fault.into());
        }
    };
    match (verification, known) {
        (Verification::Match, Some((credential, _))) => Ok(Checked { credential, outdated: None, counted }),
        (Verification::MatchOutdated, Some((credential, hash))) => {
            Ok(Checked { credential, outdated: Some(hash), counted })
        }
        _ => {
            counted.stands();
            Err(refuse(app, context, email.clone()).await?)
        }
    }
}

/// The same work whether or not there is a hash to compare with (EN-04).
async fn verify(
    app: &App,
    password: &Password,
    known: Option<&(Credential, WrappedHash)>,
    wrap_ring: &Ring<WrapKey>,
) -> Result<Verification, Fault> {
    let phc = known.map(|(credential, hash)| password_wrap::unwrap(hash, credential.user_id, wrap_ring)).transpose()?;
    Ok(app.hasher.verify(password, phc.as_ref().map(|phc| phc.as_str())).await?)
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
    Ok(app.store.record_failure(&audit).await?)
}
