//! Signing in with an address and a password.
//!
//! Store requests: one round in parallel (credential, source's counters); then the counter of a known device, or those of
//! pair and address one after the other; one transaction (session, check on the user, audit; a new device and its
//! notice); one round that gives the attempt back, and forgets the oldest of too many devices. A failure adds one audit
//! write, a device that is no longer known one more counter. Where a second factor is asked for, one write (challenge) stands
//! in place of the transaction.

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::Email;
use crate::domain::factors::{Shown, Wanted};
use crate::domain::password::Password;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::FirstFactor;
use crate::fault::Fault;
use crate::telemetry::metrics::{self, SignIn};
use crate::use_cases::choose_password::wrapped_hash;
use crate::use_cases::known_device::{presented_device, settle, sign_in_device};
use crate::use_cases::password_check::{Checked, PasswordCheckError, check_password_from, refuse};
use crate::use_cases::sign_in::second_step::{SignInStep, ask, is_asked_for_on};
use crate::use_cases::sign_in::session::{Begun, Proven, SignInRings, SignedIn, begin, issue_begun};

/// An address and what was typed as its password.
#[derive(Debug)]
pub struct Login {
    /// The address.
    pub email: Email,
    /// The password.
    pub password: Password,
    /// What an earlier sign-in gave the device; it counts as none if it is not this address's.
    pub device_token: Option<String>,
}

/// Signs in.
pub async fn login(
    app: &App,
    context: &RequestContext,
    login: Login,
) -> Result<SignInStep<SignedIn>, PasswordCheckError> {
    counted(attempt(app, context, login).await)
}

/// Says in the metrics how a sign-in ended, or how far it has come.
pub(super) fn counted<T>(
    result: Result<SignInStep<T>, PasswordCheckError>,
) -> Result<SignInStep<T>, PasswordCheckError> {
    metrics::sign_in(match &result {
        Ok(SignInStep::SignedIn(_)) => SignIn::SignedIn,
        Ok(SignInStep::MfaRequired(_)) => SignIn::MfaRequired,
        Err(PasswordCheckError::Wrong) => SignIn::InvalidCredentials,
        Err(PasswordCheckError::TooManyAttempts { .. }) => SignIn::TooManyAttempts,
        Err(PasswordCheckError::Fault(_)) => SignIn::Fault,
    });
    result
}

async fn attempt(
    app: &App,
    context: &RequestContext,
    login: Login,
) -> Result<SignInStep<SignedIn>, PasswordCheckError> {
    let rings = SignInRings::fetch(app, context).await?;
    let keys = rings.keys(app, context)?;
    let begins = async |proven: &Proven<'_>| begin(app, context, proven, keys.mac).await;
    Ok(match begin_by_password(app, context, &login, Wanted::Session, &rings.session_mac, begins).await? {
        SignInStep::SignedIn((credential, begun)) => {
            SignInStep::SignedIn(issue_begun(app, context, begun, &credential.roles, keys)?)
        }
        SignInStep::MfaRequired(required) => SignInStep::MfaRequired(required),
    })
}

/// Checks the password, and has a session begun in whichever way this is: what a page needs for that is in no function of
/// `/v1`.
pub(super) async fn begin_by_password(
    app: &App,
    context: &RequestContext,
    login: &Login,
    wanted: Wanted,
    session_mac: &Ring<MacKey>,
    begins: impl AsyncFnOnce(&Proven<'_>) -> Result<Option<Begun>, Fault>,
) -> Result<SignInStep<(Credential, Begun)>, PasswordCheckError> {
    let email = login.email.key();
    let presented = presented_device(login.device_token.as_deref(), &email, session_mac, context);
    let claim = presented.as_ref().map(|presented| &presented.claim);
    let checked = check_password_from(app, context, &email, &login.password, claim).await?;
    let Checked { credential, outdated, mut counted } = checked;
    if is_asked_for_on(app, context, &credential, wanted, counted.device()).await? {
        let required = ask(app, context, &credential, FirstFactor::Password, None).await?;
        let Some(required) = required else { return Err(refuse(app, context, email).await?) };
        // The password was right: who goes on guessing does so at the second factor, which counts by itself. What the device
        // has failed at before stays until the sign-in is complete.
        counted.give_back().await;
        renew_outdated(app, context, &credential, outdated.as_ref(), &login.password).await;
        return Ok(SignInStep::MfaRequired(required));
    }
    let device = sign_in_device(app, context, &credential, presented, counted.device())?;
    let proven = Proven { credential: &credential, shown: Shown::Password, proof: None, second: None, device: &device };
    let begun = begins(&proven).await?;
    let Some(begun) = begun else {
        counted.stands();
        return Err(refuse(app, context, email).await?);
    };
    settle(app, context, Some(counted), &device).await;
    renew_outdated(app, context, &credential, outdated.as_ref(), &login.password).await;
    Ok(SignInStep::SignedIn((credential, begun)))
}

/// Renews a hash that today's parameters would not make. Where that fails it is renewed next time.
async fn renew_outdated(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    outdated: Option<&WrappedHash>,
    password: &Password,
) {
    if let Some(outdated) = outdated
        && let Err(cause) = rehash(app, context, credential, outdated, password).await
    {
        tracing::warn!(request_id = context.request_id, %cause, "could not renew an outdated hash");
    }
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
