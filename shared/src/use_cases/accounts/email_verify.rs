//! Showing with a mailed link or code that an address is one's own (OT-10, OT-11): the account begins.
//!
//! A link costs two reads, one of the registration and one of the credential, then one transaction. A code costs the
//! counters of the source, a write that counts the try on the registration that the flow names, and then the same read
//! and transaction. Dropping the other registrations comes last: a query and their deletions.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::mail_token::{MailToken, code_matches};
use crate::crypto::sealed_token::{FlowToken, secret_hash};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::Credential;
use crate::domain::email::Email;
use crate::domain::id::{OneTimeId, UserId};
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::accounts::verifications::{AddressVerification, Verification};
use crate::store::limits::{Reservation, Scope};
use crate::telemetry::metrics;
use crate::use_cases::mailed_link::repeated_verification;
use crate::use_cases::reserve::reserve_for_source;

/// What shows that somebody reads an address's mail.
pub enum Proof<'a> {
    /// The mailed link's token.
    Link(&'a str),
    /// The mailed code, typed where the address was registered: it needs the flow token (OT-11).
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
    /// Too many codes were tried from this source; this one was not evaluated.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When to try again.
        retry_after: Duration,
    },
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(EmailVerifyError);

/// Whether this is a flow token of ours.
pub async fn is_flow(app: &App, context: &RequestContext, text: &str) -> Result<bool, Fault> {
    Ok(FlowToken::open(text, &*app.secrets.login_mac(context.now).await?, context.now).is_ok())
}

/// Verifies an address. `flow_token` is what the registration answered. A press that the same browser repeats is answered
/// as the first was (OT-02).
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
            let token = MailToken::open(token, Purpose::Verification, &ring, context.now);
            let token = token.map_err(|_| EmailVerifyError::InvalidLink)?;
            let verified = match by_link(app, context, &token).await? {
                Some(registration) => verify(app, context, registration, flow.as_ref(), &ring).await?,
                None => None,
            };
            match verified {
                Some(verified) => Ok(verified),
                None => verified_before(app, context, &token, &ring).await?.ok_or(EmailVerifyError::InvalidLink),
            }
        }
        Proof::Code { email, code } => {
            let registration = by_code(app, context, &email, code, flow.as_ref(), &ring).await?;
            let registration = registration.ok_or(EmailVerifyError::InvalidCode)?;
            verify(app, context, registration, flow.as_ref(), &ring).await?.ok_or(EmailVerifyError::InvalidCode)
        }
    }
}

async fn by_link(app: &App, context: &RequestContext, token: &MailToken) -> Result<Option<Registration>, Fault> {
    let registration = app.store.read_registration(&token.email_key, token.registration_id()).await?;
    Ok(registration
        .filter(|registration| registration.mailing.nonce == token.nonce && registration.is_live(context.now)))
}

/// What this browser has just verified with this token, if it has: also the same form for the password, as long as
/// nothing was saved with it.
async fn verified_before(
    app: &App,
    context: &RequestContext,
    token: &MailToken,
    ring: &Ring<MacKey>,
) -> Result<Option<EmailVerified>, Fault> {
    let Some(registration) = repeated_verification(app, context, token).await? else { return Ok(None) };
    let reset = app.store.read_verification_reset(&token.email_key, registration.id).await?;
    let reset = reset.filter(|reset| reset.is_live(context.now));
    let key = reset.as_ref().and_then(|reset| ring.find(reset.mailing.mac_kid.as_deref()?, context.now));
    let email = registration.email;
    Ok(Some(match reset.zip(key) {
        Some((reset, key)) => EmailVerified::PasswordRequired { reset_token: reset.token().seal(key), email },
        None => EmailVerified::Verified { email },
    }))
}

/// Counts the try against the source, and then against the registration that the flow names, before it is compared
/// (EN-01): others' tries reach neither. Without a flow the try is counted against the source alone.
async fn by_code(
    app: &App,
    context: &RequestContext,
    email: &Email,
    code: &str,
    flow: Option<&FlowToken>,
    ring: &Ring<MacKey>,
) -> Result<Option<Registration>, EmailVerifyError> {
    let (now, key, limit) = (context.now, email.key(), &app.config.limits.login_source);
    let reserved = reserve_for_source(app, context, Scope::LoginSource, limit).await?;
    if let Reservation::Refused { retry_after } = reserved {
        return Err(EmailVerifyError::TooManyAttempts { retry_after });
    }
    let Some(flow) = flow else { return Ok(None) };
    let hash = secret_hash(&flow.secret);
    let registration = app.store.reserve_verification_attempt(&key, flow.registration_id, &hash, now).await?;
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
    registration: Registration,
    flow: Option<&FlowToken>,
    ring: &Ring<MacKey>,
) -> Result<Option<EmailVerified>, Fault> {
    let registration = &registration.used_from(&context.origin);
    let key = registration.email.key();
    let matches = flow.is_some_and(|flow| {
        flow.registration_id == registration.id && secret_hash(&flow.secret) == registration.flow_hash
    });
    let credential = app.store.read_credential(&key).await?.filter(|credential| !credential.is_free(context.now));
    let audit = app.audit(context, Subject::User(registration.user_id), AuditAction::EmailVerified, None)?;
    let (outcome, verified) = match credential {
        None => {
            let user = new_user(registration, matches, context);
            let (reset, verified) = password_or_reset(app, context, registration, user.id, 1, matches, ring)?;
            let credential = Credential::of(&user, matches.then(|| registration.password.clone()));
            let verification = Verification { registration, reset: reset.as_ref() };
            (app.store.activate_registration(&verification, &user, &credential, &audit).await?, verified)
        }
        // The account that this registration began where addresses need no verification.
        Some(credential) if credential.user_id == registration.user_id && !credential.email_verified => {
            let (user_id, next) = (credential.user_id, credential.cred_version + 1);
            let (reset, verified) = password_or_reset(app, context, registration, user_id, next, matches, ring)?;
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
/// marked as sent: its token is answered here, and no mail is to go out. It has the registration's id, by which a repeat
/// finds it.
fn password_or_reset(
    app: &App,
    context: &RequestContext,
    registration: &Registration,
    user_id: UserId,
    cred_version: u64,
    matches: bool,
    ring: &Ring<MacKey>,
) -> Result<(Option<OneTime>, EmailVerified), Fault> {
    let email = &registration.email;
    if matches {
        return Ok((None, EmailVerified::Verified { email: email.clone() }));
    }
    let mac_key = ring.current(context.now)?;
    let life = Duration::from_secs(app.config.accounts.reset_seconds);
    let mut item = app.one_time(context, Purpose::PasswordReset, email.key(), life)?;
    item.id = OneTimeId::from_bytes(registration.id.to_bytes());
    item.user_id = Some(user_id);
    item.cred_version = Some(cred_version);
    item.recipient = Some(email.clone());
    item.mailing.mac_kid = Some(mac_key.kid.clone());
    item.mailing.sent_at = Some(context.now);
    let token = item.token();
    Ok((Some(item), EmailVerified::PasswordRequired { reset_token: token.seal(mac_key), email: email.clone() }))
}
