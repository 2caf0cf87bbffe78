//! Signing in with a passkey alone (MF-14 to MF-18): it says who it is, and has verified its user.
//!
//! Store requests: one round in parallel (passkey, user, source's counters); with a device token the device; one transaction
//! (session, check on the user, passkey, answered challenge, what was said to be lost, audit; a new device and its notice; of a
//! passkey that may have a copy the mail to its owner); one round that forgets the oldest of too many devices or renews the known
//! one. An answer to no challenge of ours costs nothing.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::passkey_challenge::Ceremony;
use crate::crypto::webauthn::assertion::Identified;
use crate::crypto::webauthn::expected::{UserVerification, claimed_user};
use crate::domain::credential::Credential;
use crate::domain::factors::Shown;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::UsedFactor;
use crate::fault::{Fault, fault_arm};
use crate::store::limits::{Reservation, Scope};
use crate::telemetry::metrics::{self, SignIn};
use crate::use_cases::known_device::{presented_device, read_presented, settle, sign_in_device};
use crate::use_cases::passkey::{Asked, ShownPasskey, answered, verify};
use crate::use_cases::password_check::admits;
use crate::use_cases::reserve::reserve_for_source;
use crate::use_cases::second_factor::notice_of;
use crate::use_cases::sign_in::session::{Begun, Proven, SecondStep, SignInRings, SignedIn, begin, issue_begun};

/// What a passkey has signed.
pub struct PasskeyLogin {
    /// The answer.
    pub shown: ShownPasskey,
    /// What an earlier sign-in gave the device; it counts as none if it is not this account's.
    pub device_token: Option<String>,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum PasskeyLoginError {
    /// The challenge is too old, or none of ours.
    #[error("the challenge has expired")]
    Expired,
    /// Nobody has this passkey: whoever showed it may forget it.
    #[error("nobody has this passkey")]
    Unknown,
    /// It is refused, or the account does not let anybody in. Why stands in the log.
    #[error("the passkey is not accepted")]
    Refused,
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
fault_arm!(PasskeyLoginError);

/// Signs in.
pub async fn passkey_login(
    app: &App,
    context: &RequestContext,
    login: &PasskeyLogin,
) -> Result<SignedIn, PasskeyLoginError> {
    let attempt = async {
        let rings = SignInRings::fetch(app, context).await?;
        let keys = rings.keys(app, context)?;
        let begins = async |proven: &Proven<'_>| begin(app, context, proven, keys.mac).await;
        let (credential, begun) = begin_by_passkey(app, context, login, &rings.session_mac, begins).await?;
        Ok(issue_begun(app, context, begun, &credential.roles, keys)?)
    };
    // Boxed, since several store requests at once make a large future.
    counted(Box::pin(attempt).await)
}

/// Says in the metrics how a sign-in ended.
pub(super) fn counted<T>(result: Result<T, PasskeyLoginError>) -> Result<T, PasskeyLoginError> {
    metrics::sign_in(match &result {
        Ok(_) => SignIn::SignedIn,
        Err(PasskeyLoginError::Expired | PasskeyLoginError::Unknown | PasskeyLoginError::Refused) => {
            SignIn::InvalidPasskey
        }
        Err(PasskeyLoginError::TooManyAttempts { .. }) => SignIn::TooManyAttempts,
        Err(PasskeyLoginError::Fault(_)) => SignIn::Fault,
    });
    result
}

/// Judges the passkey, and has a session begun in whichever way this is.
pub(super) async fn begin_by_passkey(
    app: &App,
    context: &RequestContext,
    login: &PasskeyLogin,
    session_mac: &Ring<MacKey>,
    begins: impl AsyncFnOnce(&Proven<'_>) -> Result<Option<Begun>, Fault>,
) -> Result<(Credential, Begun), PasskeyLoginError> {
    let shown = &login.shown;
    let challenge = answered(app, context, &Ceremony::SIGN_IN, shown).await?.ok_or(PasskeyLoginError::Expired)?;
    // Without it nobody is named, and nothing is looked for.
    let user_id = shown.user_handle.as_deref().and_then(claimed_user).ok_or(PasskeyLoginError::Refused)?;
    let (passkey, user, by_source) = futures::try_join!(
        app.store.read_passkey(user_id, &shown.credential_id),
        app.store.read_user(user_id),
        reserve_for_source(app, context, Scope::LoginSource, &app.config.limits.login_source),
    )?;
    if let Reservation::Refused { retry_after } = by_source {
        return Err(PasskeyLoginError::TooManyAttempts { retry_after });
    }
    let (passkey, user) = passkey.zip(user).ok_or(PasskeyLoginError::Unknown)?;
    let asked = Asked {
        challenge: &challenge,
        ceremony: &Ceremony { user_id, ..Ceremony::SIGN_IN },
        verification: UserVerification::Required,
        identified: Identified::ByHandle,
    };
    let used = verify(app, context, shown, asked, passkey).ok_or(PasskeyLoginError::Refused)?;
    let used = UsedFactor::Passkey(Box::new(used));
    // The account says what its credential says.
    let credential = Credential::of(&user, None);
    if !admits(app, &credential) {
        return Err(PasskeyLoginError::Refused);
    }
    let token = login.device_token.as_deref();
    let presented = presented_device(token, &credential.email_key, session_mac, context);
    let known = read_presented(app, presented.as_ref(), context.now).await?;
    let device = sign_in_device(app, context, &credential, presented, known.as_ref())?;
    let notice = notice_of(app, context, &used, (user_id, &credential.email_key), None)?;
    let second = SecondStep { challenge: None, used: &used, notice: notice.as_ref() };
    let proven =
        Proven { credential: &credential, shown: Shown::Passkey, proof: None, second: Some(second), device: &device };
    // Somebody was faster with the same answer, or the account has changed.
    let begun = begins(&proven).await?.ok_or(PasskeyLoginError::Refused)?;
    settle(app, context, None, &device).await;
    Ok((credential, begun))
}
