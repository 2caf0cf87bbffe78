//! Signing in with an address and a password.
//!
//! Store requests: one round of three in parallel (credential, account counter, source counter), one transaction
//! (session, check on the user, audit), one write that clears the account's counter. A failure adds one audit write.

use std::time::Duration;

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::password_hasher::Verification;
use crate::crypto::password_wrap;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::{Email, EmailKey};
use crate::domain::password::Password;
use crate::domain::user::UserStatus;
use crate::store::limits::{Reservation, Scope};
use crate::store::sessions::SessionStart;
use crate::telemetry::metrics;
use crate::use_cases::fault::{Fault, fault_arm};
use crate::use_cases::sign_in::{SignedIn, begin_session, issue};

/// An address and what was typed as its password.
#[derive(Debug)]
pub struct Login {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum LoginError {
    /// Wrong password, unknown address, unverified address or disabled account: the answer is the same (EN-04).
    #[error("the address or the password is wrong")]
    InvalidCredentials,
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
fault_arm!(LoginError);

/// Signs in.
pub async fn login(app: &App, context: &RequestContext, login: Login) -> Result<SignedIn, LoginError> {
    let result = attempt(app, context, login).await;
    metrics::sign_in(match &result {
        Ok(_) => "signed_in",
        Err(LoginError::InvalidCredentials) => "invalid_credentials",
        Err(LoginError::TooManyAttempts { .. }) => "too_many_attempts",
        Err(LoginError::Fault(_)) => "fault",
    });
    result
}

/// The attempt is reserved before anything is evaluated (EN-01).
async fn attempt(app: &App, context: &RequestContext, login: Login) -> Result<SignedIn, LoginError> {
    let now = context.now;
    let email = login.email.key();
    // Every key that a success needs, before anything is written: no session may begin that cannot be answered with.
    let (session_ring, signing) = (app.secrets.session_mac(now).await?, app.secrets.signing(now).await?);
    let wrap_ring = app.secrets.password_wrap(now).await?;
    let mac_key = session_ring.current(now)?;
    let signing_key = signing.current(app.config.tokens.algorithm, now)?;

    let limits = &app.config.limits;
    let source = context.origin.source();
    let (credential, by_account, by_source) = futures::try_join!(
        app.store.read_credential(&email),
        app.store.reserve_sign_in(&email, &limits.login_account, now),
        app.store.reserve_in_window(Scope::LoginSource, &source, &limits.login_source, now),
    )?;
    for reservation in [by_account, by_source] {
        if let Reservation::Refused { retry_after } = reservation {
            return Err(LoginError::TooManyAttempts { retry_after });
        }
    }

    let known = credential.filter(|credential| admits(app, credential));
    let phc = known
        .as_ref()
        .and_then(|credential| Some((credential.password.as_ref()?, credential.user_id)))
        .map(|(password, user_id)| password_wrap::unwrap(password, user_id, &wrap_ring))
        .transpose()?;
    let verification = app.hasher.verify(&login.password, phc.as_ref().map(|phc| phc.as_str())).await?;
    let Some(credential) = known.filter(|_| verification != Verification::Mismatch) else {
        return refuse(app, context, email).await;
    };
    let (session, secret) = begin_session(app, context, credential.user_id, mac_key)?;
    let audit = app.audit(context, Subject::User(credential.user_id), AuditAction::SignedIn, Some(session.id))?;
    match app.store.start_session(&session, credential.cred_version, &audit).await? {
        SessionStart::Started => {}
        SessionStart::Superseded => return refuse(app, context, email).await,
    }
    // The session exists: what is left must not keep its tokens from their owner. A counter that stays only makes the
    // next failures dearer, and an outdated hash is renewed next time.
    if let Err(cause) = app.store.clear_sign_in_failures(&email).await {
        tracing::warn!(request_id = context.request_id, %cause, "could not clear the failures of a sign-in");
    }
    if verification == Verification::MatchOutdated
        && let Some(verified) = &credential.password
        && let Err(cause) = rehash(app, context, &credential, verified, &login.password).await
    {
        tracing::warn!(request_id = context.request_id, %cause, "could not renew an outdated hash");
    }
    Ok(issue(app, context, &session, secret, &credential.roles, mac_key, signing_key)?)
}

/// Whether the account behind a credential may sign in. The password is hashed either way, so that the answer takes as
/// long (EN-04).
fn admits(app: &App, credential: &Credential) -> bool {
    credential.status == UserStatus::Active
        && (credential.email_verified || !app.config.accounts.require_verified_email)
}

async fn refuse(app: &App, context: &RequestContext, email: EmailKey) -> Result<SignedIn, LoginError> {
    let audit = app.audit(context, Subject::Address(email), AuditAction::SignInFailed, None)?;
    app.store.record_failed_sign_in(&audit).await?;
    Err(LoginError::InvalidCredentials)
}

/// Hashes the password again under today's parameters (PW-01).
async fn rehash(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    verified: &WrappedHash,
    password: &Password,
) -> Result<(), Fault> {
    let phc = app.hasher.hash(password, app.entropy.bytes()?).await?;
    let ring = app.secrets.password_wrap(context.now).await?;
    let wrapped = password_wrap::wrap(&phc, credential.user_id, &ring, context.now, &*app.entropy)?;
    Ok(app.store.replace_hash(&credential.email_key, verified, &wrapped).await?)
}
