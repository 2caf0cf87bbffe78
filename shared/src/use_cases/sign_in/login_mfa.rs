//! The second step of a sign-in (MF-01 to MF-06).
//!
//! Store requests: one round in parallel (challenge, credential, source's counters); with a device token the device; the user's
//! counter; the factor; one transaction (session, check on the user, challenge, factor, what was said to be lost, audit; a new
//! device and its notice; of a recovery code, and of a passkey that may have a copy, the mail to its owner); one round that gives the attempt back, and forgets the oldest of too
//! many devices or renews the known one. A wrong code adds one audit write, and from a device that is not known one counter
//! and perhaps a mail. A forged token costs nothing.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::crypto::passkey_challenge::{Ceremony, CeremonyPurpose};
use crate::crypto::sealed_token::{MfaToken, secret_hash};
use crate::crypto::webauthn::expected::UserVerification;
use crate::domain::credential::Credential;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::Challenge;
use crate::fault::{Fault, fault_arm};
use crate::store::limits::{Reservation, Scope};
use crate::telemetry::metrics::{self, SignIn};
use crate::use_cases::known_device::{presented_device, read_presented, settle, sign_in_device};
use crate::use_cases::password_check::admits;
use crate::use_cases::reserve::reserve_for_source;
use crate::use_cases::second_factor::{Failed, SecondFactorError, SecondProof, judge, record_failure};
use crate::use_cases::sign_in::session::{Begun, Proven, SecondStep, SignInRings, SignedIn, begin, issue_begun};

/// The second step.
pub struct LoginMfa {
    /// What the first step answered.
    pub mfa_token: String,
    /// The second factor.
    pub proof: SecondProof,
    /// What an earlier sign-in gave the device; it counts as none if it is not this address's.
    pub device_token: Option<String>,
    /// Whether the device is to stand for the second factor from now on, where that is let (MF-23).
    pub remember_device: bool,
}

/// Who has signed in with two factors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInByTwo<T> {
    /// What the sign-in gives.
    pub signed_in: T,
    /// How many recovery codes are left, where one was used.
    pub recovery_codes_left: Option<usize>,
}

/// Why nobody was signed in.
#[derive(Debug, Error)]
pub enum LoginMfaError {
    /// The first step has expired or was used, or the account has changed since: the sign-in begins again.
    #[error("the first step is no longer valid")]
    InvalidToken,
    /// The second factor is wrong, or was used before. The first step stands.
    #[error("the second factor is wrong")]
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
fault_arm!(LoginMfaError);

/// Signs in.
pub async fn login_mfa(
    app: &App,
    context: &RequestContext,
    login: LoginMfa,
) -> Result<SignedInByTwo<SignedIn>, LoginMfaError> {
    let attempt = async {
        let rings = SignInRings::fetch(app, context).await?;
        let keys = rings.keys(app, context)?;
        let begins = async |proven: &Proven<'_>| begin(app, context, proven, keys.mac).await;
        let (credential, begun) = begin_by_two(app, context, &login, &rings.session_mac, begins).await?;
        let SignedInByTwo { signed_in: begun, recovery_codes_left } = begun;
        Ok(SignedInByTwo { signed_in: issue_begun(app, context, begun, &credential.roles, keys)?, recovery_codes_left })
    };
    // Boxed, since several store requests at once make a large future.
    counted(Box::pin(attempt).await)
}

/// Says in the metrics how a sign-in ended.
pub(super) fn counted<T>(result: Result<T, LoginMfaError>) -> Result<T, LoginMfaError> {
    metrics::sign_in(match &result {
        Ok(_) => SignIn::SignedIn,
        Err(LoginMfaError::InvalidToken | LoginMfaError::Wrong) => SignIn::InvalidSecondFactor,
        Err(LoginMfaError::TooManyAttempts { .. }) => SignIn::TooManyAttempts,
        Err(LoginMfaError::Fault(_)) => SignIn::Fault,
    });
    result
}

/// What a first step has left.
pub(super) struct First {
    pub(super) challenge: Challenge,
    pub(super) credential: Credential,
}

/// Judges the second factor, and has a session begun in whichever way this is.
pub(super) async fn begin_by_two(
    app: &App,
    context: &RequestContext,
    login: &LoginMfa,
    session_mac: &Ring<MacKey>,
    begins: impl AsyncFnOnce(&Proven<'_>) -> Result<Option<Begun>, Fault>,
) -> Result<(Credential, SignedInByTwo<Begun>), LoginMfaError> {
    let First { challenge, credential } = first(app, context, &login.mfa_token).await?;
    let token = login.device_token.as_deref();
    let presented = presented_device(token, &credential.email_key, session_mac, context);
    let known = read_presented(app, presented.as_ref(), context.now).await?;
    let judged = match judge(app, context, &ceremony(&challenge), &login.proof, UserVerification::Preferred).await {
        Ok(judged) => judged,
        Err(SecondFactorError::Wrong) => {
            let is_known = known.as_ref().is_some_and(|device| device.is_known_to(&credential));
            let failed = Failed { user_id: credential.user_id, email_key: &credential.email_key, is_known };
            record_failure(app, context, &failed).await?;
            return Err(LoginMfaError::Wrong);
        }
        Err(SecondFactorError::TooManyAttempts { retry_after }) => {
            return Err(LoginMfaError::TooManyAttempts { retry_after });
        }
        Err(SecondFactorError::Fault(fault)) => return Err(fault.into()),
    };
    let mut device = sign_in_device(app, context, &credential, presented, known.as_ref())?;
    if login.remember_device {
        device.remember(app, &credential, context.now);
    }
    let shown = judged.after(challenge.first);
    let notice = judged.notice(app, context, credential.user_id, &credential.email_key)?;
    let second = SecondStep { challenge: Some(&challenge), used: &judged.used, notice: notice.as_ref() };
    let proven = Proven { credential: &credential, shown, proof: None, second: Some(second), device: &device };
    let Some(begun) = begins(&proven).await? else {
        // Somebody was faster with the same code, or with the same first step: who comes second knows no more by it.
        judged.counted.give_back().await;
        return Err(LoginMfaError::InvalidToken);
    };
    futures::join!(judged.counted.give_back(), settle(app, context, None, &device));
    Ok((credential, SignedInByTwo { signed_in: begun, recovery_codes_left: judged.codes_left }))
}

/// What a passkey is asked for by a first step.
pub(super) fn ceremony(challenge: &Challenge) -> Ceremony {
    let (user_id, subject) = (challenge.user_id, challenge.id.to_bytes());
    Ceremony { purpose: CeremonyPurpose::SecondStep, user_id, subject }
}

/// Opens the token, and looks whether the first step still stands.
pub(super) async fn first(app: &App, context: &RequestContext, mfa_token: &str) -> Result<First, LoginMfaError> {
    let now = context.now;
    let ring = app.secrets.login_mac(now).await?;
    let token = MfaToken::open(mfa_token, &ring, now).map_err(|_| LoginMfaError::InvalidToken)?;
    let (challenge, credential, by_source) = futures::try_join!(
        app.store.read_challenge(token.user_id, token.challenge_id),
        app.store.read_credential(&token.email_key),
        reserve_for_source(app, context, Scope::LoginSource, &app.config.limits.login_source),
    )?;
    if let Reservation::Refused { retry_after } = by_source {
        return Err(LoginMfaError::TooManyAttempts { retry_after });
    }
    let challenge = challenge.filter(|it| it.is_live(now) && it.secret_hash == secret_hash(&token.secret));
    let found = challenge.zip(credential).filter(|(challenge, credential)| {
        credential.user_id == challenge.user_id
            && credential.cred_version == challenge.cred_version
            && admits(app, credential)
    });
    let (challenge, credential) = found.ok_or(LoginMfaError::InvalidToken)?;
    Ok(First { challenge, credential })
}
