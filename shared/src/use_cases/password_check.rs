//! Checking a password, wherever one is asked for: the attempt is reserved before anything is evaluated (EN-01), on one
//! counter after the other, from the narrowest to the widest (EN-02, decision 32).

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::key_ring::{Ring, WrapKey};
use crate::crypto::password_hasher::Verification;
use crate::crypto::password_wrap;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::device::Device;
use crate::domain::email::EmailKey;
use crate::domain::id::UserId;
use crate::domain::password::Password;
use crate::domain::request_context::RequestContext;
use crate::domain::user::{User, UserStatus};
use crate::fault::{Fault, fault_arm};
use crate::store::limits::{Reservation, Scope};
use crate::store::sign_in::devices::{DeviceClaim, DeviceReservation};
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

/// The counter, beside its source's, on which an attempt was counted. The source's counts what it makes us compute, right
/// or wrong, and is not given back.
pub(super) enum Counted {
    /// That of a known device, and nobody else's.
    Device(Device),
    /// That of an address and the source together, and that of the address.
    Address(EmailKey),
    /// That of a signed-in user.
    User(UserId),
}

impl Counted {
    /// The known device that the attempt came from.
    pub(super) fn device(&self) -> Option<&Device> {
        match self {
            Self::Device(device) => Some(device),
            Self::Address(_) | Self::User(_) => None,
        }
    }

    /// Takes the one attempt back, and no other: a counter looks as if it had never been made. What it is given back for
    /// has happened, or has failed for another reason: that stands whether or not this works.
    pub(super) async fn give_back(&self, app: &App, context: &RequestContext) {
        let (now, limits, store) = (context.now, &app.config.limits, &app.store);
        let given = match self {
            Self::Device(device) => store.give_back_on_device(device).await,
            Self::User(user) => {
                store.give_back_failure(Scope::PasswordUser, &user.to_string(), &limits.password_user, now).await
            }
            Self::Address(email) => {
                let pair = pair_subject(context, email);
                let by_pair = store.give_back_failure(Scope::LoginPair, &pair, &limits.login_pair, now);
                let account = &limits.login_account;
                let by_account = store.give_back_in_window(Scope::LoginAccount, email.as_str(), account, now);
                futures::try_join!(by_pair, by_account).map(|_| ())
            }
        };
        if let Err(cause) = given {
            tracing::warn!(request_id = context.request_id, %cause, "could not give an attempt back");
        }
    }
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
    let counted = match reserve_on_device(app, context, credential.as_ref(), device).await? {
        Some(device) => Counted::Device(device),
        None => reserve_on_address(app, context, email).await?,
    };
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
    let subject = user.id.to_string();
    admitted(app.store.reserve_failure(Scope::PasswordUser, &subject, limit, context.now).await?)?;
    // The address may be another account's by now.
    let credential = credential.filter(|credential| credential.user_id == user.id);
    evaluate(app, context, &email, password, (credential, &*wrap_ring), Counted::User(user.id)).await
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

/// Counts the attempt on a device of the account, under its present credentials. None where there is no such device, or
/// it has used up its attempts.
async fn reserve_on_device(
    app: &App,
    context: &RequestContext,
    credential: Option<&Credential>,
    device: Option<&DeviceClaim>,
) -> Result<Option<Device>, PasswordCheckError> {
    let (Some(credential), Some(claim)) = (credential, device) else { return Ok(None) };
    let limit = &app.config.limits.login_device;
    match app.store.reserve_on_device(claim, credential, limit, context.now).await? {
        DeviceReservation::Reserved(device) => Ok(Some(device)),
        DeviceReservation::Unknown => Ok(None),
        DeviceReservation::Refused { retry_after } => Err(PasswordCheckError::TooManyAttempts { retry_after }),
    }
}

/// Counts the attempt on the pair, and only then on the address: who is over the first limit spends nothing of the owner's.
async fn reserve_on_address(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
) -> Result<Counted, PasswordCheckError> {
    let (now, limits, pair) = (context.now, &app.config.limits, pair_subject(context, email));
    admitted(app.store.reserve_failure(Scope::LoginPair, &pair, &limits.login_pair, now).await?)?;
    let by_account = app.store.reserve_in_window(Scope::LoginAccount, email.as_str(), &limits.login_account, now).await;
    match by_account {
        Ok(reservation) => admitted(reservation)?,
        Err(fault) => {
            give_pair_back(app, context, &pair).await;
            return Err(fault.into());
        }
    }
    Ok(Counted::Address(email.clone()))
}

async fn give_pair_back(app: &App, context: &RequestContext, pair: &str) {
    let given = app.store.give_back_failure(Scope::LoginPair, pair, &app.config.limits.login_pair, context.now).await;
    if let Err(cause) = given {
        tracing::warn!(request_id = context.request_id, %cause, "could not give an attempt back");
    }
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

/// Compares. An attempt that our side did not let come to that is given back: nobody learnt anything from it.
async fn evaluate(
    app: &App,
    context: &RequestContext,
    email: &EmailKey,
    password: &Password,
    (credential, wrap_ring): (Option<Credential>, &Ring<WrapKey>),
    counted: Counted,
) -> Result<Checked, PasswordCheckError> {
    let known = credential.filter(|credential| admits(app, credential));
    let known = known.and_then(|credential| credential.password.clone().map(|hash| (credential, hash)));
    let verification = match verify(app, password, known.as_ref(), wrap_ring).await {
        Ok(verification) => verification,
        Err(fault) => {
            counted.give_back(app, context).await;
            return Err(fault.into());
        }
    };
    match (verification, known) {
        (Verification::Match, Some((credential, _))) => Ok(Checked { credential, outdated: None, counted }),
        (Verification::MatchOutdated, Some((credential, hash))) => {
            Ok(Checked { credential, outdated: Some(hash), counted })
        }
        _ => Err(refuse(app, context, email.clone()).await?),
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
    Ok(app.store.record_failed_sign_in(&audit).await?)
}
