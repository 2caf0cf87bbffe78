//! Signing in with a mailed code, or with the link that came with it.
//!
//! Store requests with a code: one round in parallel (two counters, the item's own, credential; with a device token also
//! the device), one transaction (session, check on the user, item, audit; a new device and its notice), one round that
//! clears the counters. A failure adds one audit write. With a link: the item instead of its counter and the address's.

use std::time::Duration;

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::mail_token::{MailToken, code_matches};
use crate::domain::credential::Credential;
use crate::domain::device::Device;
use crate::domain::email::{Email, EmailKey};
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::store::devices::DeviceClaim;
use crate::store::error::StoreError;
use crate::store::limits::{Reservation, Scope};
use crate::telemetry::metrics::{self, SignIn};
use crate::use_cases::fault::{Fault, fault_arm};
use crate::use_cases::known_device::{PresentedDevice, SignInDevice, presented_device, sign_in_device};
use crate::use_cases::password_check::{admits, record_failure};
use crate::use_cases::repeat::repeated;
use crate::use_cases::reserve::reserve_for_source;
use crate::use_cases::sign_in::{Completion, Proven, SignInKeys, SignInRings, SignedIn, complete, resume};

/// What came by mail.
pub enum MailedProof {
    /// A code that a person typed, and the address that they typed.
    Code {
        /// The address.
        email: Email,
        /// The code.
        code: String,
    },
    /// The token of a link.
    Token(String),
}

/// A sign-in by mail.
pub struct LoginEmailCodeVerify {
    /// What came by mail.
    pub proof: MailedProof,
    /// What an earlier sign-in gave the device; it counts as none if it is not this address's.
    pub device_token: Option<String>,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum EmailCodeError {
    /// Wrong, expired, used, or of an account that has changed or does not exist: the answer is the same (EN-04).
    #[error("the code is not valid")]
    Invalid,
    /// Too many codes tried; this one was not evaluated (OT-11).
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EmailCodeError);

/// Signs in.
pub async fn login_email_code_verify(
    app: &App,
    context: &RequestContext,
    login: LoginEmailCodeVerify,
) -> Result<SignedIn, EmailCodeError> {
    // Boxed, since five store requests at once make a large future.
    let result = Box::pin(attempt(app, context, login)).await;
    metrics::sign_in(match &result {
        Ok(_) => SignIn::SignedIn,
        Err(EmailCodeError::Invalid) => SignIn::InvalidCode,
        Err(EmailCodeError::TooManyAttempts { .. }) => SignIn::TooManyAttempts,
        Err(EmailCodeError::Fault(_)) => SignIn::Fault,
    });
    result
}

async fn attempt(app: &App, context: &RequestContext, login: LoginEmailCodeVerify) -> Result<SignedIn, EmailCodeError> {
    let now = context.now;
    let rings = SignInRings::fetch(app, context).await?;
    let keys = rings.keys(app, context)?;
    let mail_ring = app.secrets.mail_mac(now).await?;
    // A forged link is refused with no store request.
    let tried = Tried::read(&login.proof, &mail_ring, now)?;

    let presented = presented_device(login.device_token.as_deref(), tried.email(), &rings.session_mac, context);
    let found = look_up(app, context, &tried, presented.as_ref()).await?;
    let proven = found.item.filter(|item| tried.proves(item, &mail_ring, now));
    // Bound by the mailer to the credentials that the account had when the mail went out (SE-04).
    let proven = proven.zip(found.credential).filter(|(item, credential)| {
        item.user_id == Some(credential.user_id)
            && item.cred_version == Some(credential.cred_version)
            && admits(app, credential)
    });
    let Some((item, credential)) = proven else { return again(app, context, &tried, &rings, keys).await };
    let item = item.used_from(&context.origin);

    let device = sign_in_device(app, context, &credential, presented, found.device)?;
    let proof = Proven { credential: &credential, amr: "otp", proof: Some(&item), device: &device };
    let Completion::SignedIn(signed_in) = complete(app, context, proof, keys).await? else {
        return again(app, context, &tried, &rings, keys).await;
    };
    // The session exists: a counter that stays only makes the next failures dearer.
    if let Err(cause) = clear(app, context, tried.email(), &device).await {
        tracing::warn!(request_id = context.request_id, %cause, "could not clear the failures of a sign-in");
    }
    Ok(signed_in)
}

/// What is tried.
enum Tried<'a> {
    Code { email: EmailKey, code: &'a str },
    Token(MailToken),
}

impl<'a> Tried<'a> {
    fn read(proof: &'a MailedProof, ring: &Ring<MacKey>, now: Timestamp) -> Result<Self, EmailCodeError> {
        match proof {
            MailedProof::Code { email, code } => Ok(Self::Code { email: email.key(), code }),
            MailedProof::Token(token) => MailToken::open(token, Purpose::EmailCode, ring, now)
                .map(Self::Token)
                .map_err(|_| EmailCodeError::Invalid),
        }
    }

    fn email(&self) -> &EmailKey {
        match self {
            Self::Code { email, .. } => email,
            Self::Token(token) => &token.email_key,
        }
    }

    /// Whether this is what the item's mail said.
    fn proves(&self, item: &OneTime, ring: &Ring<MacKey>, now: Timestamp) -> bool {
        let Self::Code { code, .. } = self else { return item.is_live(now) };
        let Some(key) = item.mailing.mac_kid.as_deref().and_then(|kid| ring.find(kid, now)) else { return false };
        code_matches(code, &item.token().sign_in_code(key))
    }
}

/// What the table has to say to a try.
struct Found {
    item: Option<OneTime>,
    credential: Option<Credential>,
    device: Option<Device>,
}

/// Counts a code before it is evaluated (EN-01): per source, per address and day, and per item. A link cannot be
/// guessed.
async fn look_up(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    presented: Option<&PresentedDevice>,
) -> Result<Found, EmailCodeError> {
    let (now, limits, email) = (context.now, &app.config.limits, tried.email());
    let credential = app.store.read_credential(email);
    let device = read_device(app, presented.map(|presented| &presented.claim), now);
    let Tried::Token(token) = tried else {
        let subject = format!("{}#{}", email.as_str(), Purpose::EmailCode.name());
        let (by_address, by_source, item, credential, device) = futures::try_join!(
            app.store.reserve_in_window(Scope::Code, &subject, &limits.code_address, now),
            reserve_for_source(app, context, Scope::LoginSource, &limits.login_source),
            app.store.reserve_code_attempt(email, Purpose::EmailCode, now),
            credential,
            device,
        )?;
        for reservation in [by_address, by_source] {
            if let Reservation::Refused { retry_after } = reservation {
                return Err(EmailCodeError::TooManyAttempts { retry_after });
            }
        }
        return Ok(Found { item, credential, device });
    };
    let (item, credential, device) = futures::try_join!(app.store.read_one_time(token), credential, device)?;
    Ok(Found { item, credential, device })
}

async fn read_device(app: &App, claim: Option<&DeviceClaim>, now: Timestamp) -> Result<Option<Device>, StoreError> {
    match claim {
        Some(claim) => app.store.read_device(claim, now).await,
        None => Ok(None),
    }
}

/// A completed sign-in clears the address's failures, and those of the device that it came from (EN-02).
async fn clear(app: &App, context: &RequestContext, email: &EmailKey, device: &SignInDevice) -> Result<(), StoreError> {
    let of_address = app.store.clear_sign_in_failures(email);
    if device.is_new {
        return of_address.await;
    }
    let expires_at = context.now.plus(app.config.sessions.absolute());
    futures::try_join!(of_address, app.store.renew_device(&device.device, expires_at)).map(|_| ())
}

/// What the same browser is answered that presses the button of a link again (OT-02); anybody else is refused.
async fn again(
    app: &App,
    context: &RequestContext,
    tried: &Tried<'_>,
    rings: &SignInRings,
    keys: SignInKeys<'_>,
) -> Result<SignedIn, EmailCodeError> {
    if let Tried::Token(token) = tried
        && let Some(used) = repeated(app, context, token).await?
        && let Some(signed_in) = resume(app, context, &used, rings, keys).await?
    {
        return Ok(signed_in);
    }
    Err(refuse(app, context, tried).await?)
}

/// Records that the try failed.
async fn refuse(app: &App, context: &RequestContext, tried: &Tried<'_>) -> Result<EmailCodeError, Fault> {
    record_failure(app, context, tried.email().clone()).await?;
    Ok(EmailCodeError::Invalid)
}
