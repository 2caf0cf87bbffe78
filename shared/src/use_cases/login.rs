//! Signing in with an address and a password.
//!
//! Store requests: one round of three in parallel (credential, account counter, source counter), one transaction
//! (session, check on the user, audit), one write that clears the account's counter. A failure adds one audit write.

use crate::app::{App, RequestContext};
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::Email;
use crate::domain::password::Password;
use crate::store::sessions::SessionStart;
use crate::telemetry::metrics;
use crate::use_cases::choose_password::wrapped_hash;
use crate::use_cases::fault::Fault;
use crate::use_cases::password_check::{Checked, PasswordCheckError, check_password, refuse};
use crate::use_cases::sign_in::{SignedIn, begin_session, issue};

/// An address and what was typed as its password.
#[derive(Debug)]
pub struct Login {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
}

/// Signs in.
pub async fn login(app: &App, context: &RequestContext, login: Login) -> Result<SignedIn, PasswordCheckError> {
    let result = attempt(app, context, login).await;
    metrics::sign_in(match &result {
        Ok(_) => "signed_in",
        Err(PasswordCheckError::Wrong) => "invalid_credentials",
        Err(PasswordCheckError::TooManyAttempts { .. }) => "too_many_attempts",
        Err(PasswordCheckError::Fault(_)) => "fault",
    });
    result
}

async fn attempt(app: &App, context: &RequestContext, login: Login) -> Result<SignedIn, PasswordCheckError> {
    let now = context.now;
    let email = login.email.key();
    // Every key that a success needs, before anything is written: no session may begin that cannot be answered with.
    let (session_ring, signing) = (app.secrets.session_mac(now).await?, app.secrets.signing(now).await?);
    let mac_key = session_ring.current(now)?;
    let signing_key = signing.current(app.config.tokens.algorithm, now)?;

    let Checked { credential, outdated } = check_password(app, context, &email, &login.password).await?;
    let (session, secret) = begin_session(app, context, credential.user_id, "pwd", mac_key)?;
    let audit = app.audit(context, Subject::User(credential.user_id), AuditAction::SignedIn, Some(session.id))?;
    match app.store.start_session(&session, credential.cred_version, &audit).await? {
        SessionStart::Started => {}
        SessionStart::Superseded => return Err(refuse(app, context, email).await?),
    }
    // The session exists: what is left must not keep its tokens from their owner. A counter that stays only makes the
    // next failures dearer, and an outdated hash is renewed next time.
    if let Err(cause) = app.store.clear_sign_in_failures(&email).await {
        tracing::warn!(request_id = context.request_id, %cause, "could not clear the failures of a sign-in");
    }
    if let Some(outdated) = outdated
        && let Err(cause) = rehash(app, context, &credential, &outdated, &login.password).await
    {
        tracing::warn!(request_id = context.request_id, %cause, "could not renew an outdated hash");
    }
    Ok(issue(app, context, &session, secret, &credential.roles, mac_key, signing_key)?)
}

/// Hashes the password again under today's parameters (PW-01).
async fn rehash(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    outdated: &WrappedHash,
    password: &Password,
) -> Result<(), Fault> {
    let wrapped = wrapped_hash(app, context.now, credential.user_id, password).await?;
    Ok(app.store.replace_hash(&credential.email_key, outdated, &wrapped).await?)
}
