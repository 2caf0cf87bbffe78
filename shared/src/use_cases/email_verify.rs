//! Showing with a mailed link or code that an address is one's own (OT-10, OT-11): the account begins.
//!
//! A link costs two reads, one of the registration and one of the credential, then one transaction. A code costs a write
//! of the address's counter, a query unless the flow names the registration, a write that counts the try, and then the
//! same read and transaction. Dropping the other registrations comes last: a query and their deletions.

use std::time::Duration;

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::mail_token::{MailToken, code_matches};
use crate::crypto::sealed_token::{FlowToken, secret_hash};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::Credential;
use crate::domain::email::Email;
use crate::domain::id::{RegistrationId, UserId};
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::user::User;
use crate::store::limits::{Reservation, Scope};
use crate::store::verifications::{AddressVerification, Verification};
use crate::telemetry::metrics;
use crate::use_cases::fault::{Fault, fault_arm};

/// What shows that somebody reads an address's mail.
pub enum Proof<'a> {
    /// The mailed link's token.
    Link(&'a str),
    /// The mailed code, typed.
    Code {
        /// The address.
        email: Email,
        /// The digits.
        code: &'a str,
    },
}

/// How an address was verified.
#[derive(Clone, PartialEq, Eq)]
pub enum EmailVerified {
    /// By whoever registered: the password that they chose works.
    Verified {
        /// The account's address.
        email: Email,
    },
    /// By somebody else, as far as one can tell: a new password has to be set (OT-10).
    PasswordRequired {
        /// Sets it, like the token of a reset mail.
        reset_token: String,
        /// The account's address.
        email: Email,
    },
}

/// Why an address was not verified.
#[derive(Debug, Error)]
pub enum EmailVerifyError {
    /// Forged, expired, used, or of an address that has an account: the person has to register or sign in.
    #[error("the link is no longer valid")]
    InvalidLink,
    /// Wrong, expired, used, tried too often, or of an address that waits for none.
    #[error("the code is not valid")]
    InvalidCode,
    /// Too many codes of this address were tried; this one was not evaluated.
    #[error("too many codes")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EmailVerifyError);

/// Verifies an address. `flow_token` is what the registration answered.
pub async fn email_verify(
    app: &App,
    context: &RequestContext,
    proof: Proof<'_>,
    flow_token: Option<&str>,
) -> Result<EmailVerified, EmailVerifyError> {
    // Boxed, or the futures of whoever awaits this one would be nested too deeply.
    let result = Box::pin(attempt(app, context, proof, flow_token)).await;
    metrics::verification(match &result {
        Ok(_) => metrics::Verification::Verified,
        Err(EmailVerifyError::InvalidLink) => metrics::Verification::InvalidLink,
        Err(EmailVerifyError::InvalidCode) => metrics::Verification::InvalidCode,
        Err(EmailVerifyError::TooManyAttempts { .. }) => metrics::Verification::TooManyAttempts,
        Err(EmailVerifyError::Fault(_)) => metrics::Verification::Fault,
    });
    result
}

async fn attempt(
    app: &App,
    context: &RequestContext,
    proof: Proof<'_>,
    flow_token: Option<&str>,
) -> Result<EmailVerified, EmailVerifyError> {
    let ring = app.secrets.mail_mac(context.now).await?;
    let flow = match flow_token {
        Some(text) => FlowToken::open(text, &*app.secrets.login_mac(context.now).await?, context.now).ok(),
        None => None,
    };
    match proof {
        Proof::Link(token) => {
            let registration = by_link(app, context, token, &ring).await?.ok_or(EmailVerifyError::InvalidLink)?;
            verify(app, context, &registration, flow.as_ref(), &ring).await?.ok_or(EmailVerifyError::InvalidLink)
        }
        Proof::Code { email, code } => {
            let registration = by_code(app, context, &email, code, flow.as_ref(), &ring).await?;
            let registration = registration.ok_or(EmailVerifyError::InvalidCode)?;
            verify(app, context, &registration, flow.as_ref(), &ring).await?.ok_or(EmailVerifyError::InvalidCode)
        }
    }
}

async fn by_link(
    app: &App,
    context: &RequestContext,
    token: &str,
    ring: &Ring<MacKey>,
) -> Result<Option<Registration>, Fault> {
    let Ok(token) = MailToken::open(token, Purpose::Verification, ring, context.now) else { return Ok(None) };
    let registration = app.store.read_registration(&token.email_key, token.registration_id()).await?;
    Ok(registration
        .filter(|registration| registration.mailing.nonce == token.nonce && registration.is_live(context.now)))
}

/// Counts the try against the address, known or not, and against the code, before it is compared (EN-01). The flow names
/// the registration whose code it is; without one it is the newest that was mailed.
async fn by_code(
    app: &App,
    context: &RequestContext,
    email: &Email,
    code: &str,
    flow: Option<&FlowToken>,
    ring: &Ring<MacKey>,
) -> Result<Option<Registration>, EmailVerifyError> {
    let (now, key) = (context.now, email.key());
    let subject = format!("{}#{}", key.as_str(), Purpose::Verification.name());
    let reserved = app.store.reserve_in_window(Scope::Code, &subject, &app.config.limits.code_address, now).await?;
    if let Reservation::Refused { retry_after } = reserved {
        return Err(EmailVerifyError::TooManyAttempts { retry_after });
    }
    let id = if let Some(flow) = flow {
        flow.registration_id
    } else {
        let newest = app.store.newest_registration(&key, true, now).await?;
        // An id that nothing has: an address that waits for no code costs the same.
        newest.map_or(RegistrationId::from_bytes([0; 16]), |registration| registration.id)
    };
    let registration = app.store.reserve_verification_attempt(&key, id, now).await?;
    Ok(registration.filter(|registration| {
        let kid = registration.mailing.mac_kid.as_deref();
        let expected = kid.and_then(|kid| ring.find(kid, now)).map(|key| registration.token().verification_code(key));
        registration.is_live(now) && expected.is_some_and(|expected| code_matches(code, &expected))
    }))
}

/// Uses the registration up. `None` where it was used meanwhile, or the address has another account.
async fn verify(
    app: &App,
    context: &RequestContext,
    registration: &Registration,
    flow: Option<&FlowToken>,
    ring: &Ring<MacKey>,
) -> Result<Option<EmailVerified>, Fault> {
    let key = registration.email.key();
    let matches = flow.is_some_and(|flow| {
        flow.registration_id == registration.id && secret_hash(&flow.secret) == registration.flow_hash
    });
    let credential = app.store.read_credential(&key).await?.filter(|credential| !credential.is_free(context.now));
    let audit = app.audit(context, Subject::User(registration.user_id), AuditAction::EmailVerified, None)?;
    let (outcome, verified) = match credential {
        None => {
            let user = new_user(registration, matches, context);
            let (reset, verified) = password_or_reset(app, context, &user.email, user.id, 1, matches, ring)?;
            let credential = Credential::of(&user, matches.then(|| registration.password.clone()));
            let verification = Verification { registration, reset: reset.as_ref() };
            (app.store.activate_registration(&verification, &user, &credential, &audit).await?, verified)
        }
        // The account that this registration began where addresses need no verification.
        Some(credential) if credential.user_id == registration.user_id && !credential.email_verified => {
            let (email, next) = (&registration.email, credential.cred_version + 1);
            let (reset, verified) = password_or_reset(app, context, email, credential.user_id, next, matches, ring)?;
            let verification = Verification { registration, reset: reset.as_ref() };
            (app.store.verify_account(&verification, &credential, &audit).await?, verified)
        }
        Some(_) => return Ok(None),
    };
    if outcome == AddressVerification::Superseded {
        return Ok(None);
    }
    // The address has its account: the others can begin none whether or not they are gone.
    if let Err(cause) = app.store.drop_other_registrations(&key, registration.id).await {
        tracing::warn!(request_id = context.request_id, %cause, "could not drop the other registrations of an address");
    }
    Ok(Some(verified))
}

/// The registration's name stays only with its own flow, like its password: mails greet by it, and a stranger may have
/// chosen it.
fn new_user(registration: &Registration, matches: bool, context: &RequestContext) -> User {
    let (email, name) = (registration.email.clone(), registration.name.clone().filter(|_| matches));
    User { email_verified: true, ..User::new(registration.user_id, email, name, context.now) }
}

/// The registration's password stays only with its own flow; otherwise the answer has what sets another. That item is
/// marked as sent: its token is answered here, and no mail is to go out.
fn password_or_reset(
    app: &App,
    context: &RequestContext,
    email: &Email,
    user_id: UserId,
    cred_version: u64,
    matches: bool,
    ring: &Ring<MacKey>,
) -> Result<(Option<OneTime>, EmailVerified), Fault> {
    if matches {
        return Ok((None, EmailVerified::Verified { email: email.clone() }));
    }
    let mac_key = ring.current(context.now)?;
    let life = Duration::from_secs(app.config.accounts.reset_seconds);
    let mut item = app.one_time(context, Purpose::PasswordReset, email.key(), life)?;
    item.user_id = Some(user_id);
    item.cred_version = Some(cred_version);
    item.recipient = Some(email.clone());
    item.mailing.mac_kid = Some(mac_key.kid.clone());
    item.mailing.sent_at = Some(context.now);
    let token = item.token();
    Ok((Some(item), EmailVerified::PasswordRequired { reset_token: token.seal(mac_key), email: email.clone() }))
}
