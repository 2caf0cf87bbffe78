//! The second step of a sign-in: who is asked for it, and what a sign-in answers with that waits for it (MF-01).

use std::time::Duration;

use crate::app::App;
use crate::crypto::sealed_token::{MfaToken, TokenSecret, secret_hash};
use crate::domain::credential::Credential;
use crate::domain::device::Device;
use crate::domain::factors::{Level, Method, Wanted};
use crate::domain::id::ChallengeId;
use crate::domain::one_time::OneTime;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::{Challenge, FirstFactor};
use crate::fault::Fault;

/// How long a second factor may take to find.
const CHALLENGE_LIFE: Duration = Duration::from_mins(5);

/// How far a sign-in has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInStep<T> {
    /// To its end.
    SignedIn(T),
    /// To the second factor. There is no session yet.
    MfaRequired(MfaRequired),
}

/// What a sign-in answers with that waits for its second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaRequired {
    /// A sealed token, which the second factor comes with.
    pub mfa_token: String,
    /// What can be shown, strongest first.
    pub methods: &'static [Method],
    /// How long the token lives.
    pub expires_in: Duration,
    /// For how many days the device can be remembered; 0 where it cannot.
    pub remember_device_days: u64,
}

/// Whether a person who has shown one factor has to show another.
pub(super) fn is_asked_for(app: &App, credential: &Credential, wanted: Wanted) -> bool {
    let factors = &credential.factors;
    factors.level(app.config.passkeys.rp_id()) == Level::Two && (factors.second_factor || wanted == Wanted::EveryFactor)
}

/// As [`is_asked_for`], unless the device stands for the second factor (MF-23): never where every factor is wanted. One read
/// of the user, of a remembered device alone.
pub(super) async fn is_asked_for_on(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    wanted: Wanted,
    device: Option<&Device>,
) -> Result<bool, Fault> {
    if !is_asked_for(app, credential, wanted) {
        return Ok(false);
    }
    let lasting = app.config.accounts.remember_device();
    let device = device.filter(|_| wanted == Wanted::Session);
    let since = device.and_then(|device| device.remembered_since(credential, lasting, context.now));
    let Some(since) = since else { return Ok(true) };
    // Whoever has ended the sessions of before wants them to show everything again.
    Ok(app.store.has_ended_sessions_of(credential.user_id, since).await?)
}

/// Has a sign-in wait for its second factor: one write, in a transaction with the mailed item where that was the first.
/// `None` where that was used meanwhile.
pub(super) async fn ask(
    app: &App,
    context: &RequestContext,
    credential: &Credential,
    first: FirstFactor,
    proof: Option<&OneTime>,
) -> Result<Option<MfaRequired>, Fault> {
    let now = context.now;
    // Before anything is written: no challenge may begin that cannot be answered with.
    let ring = app.secrets.login_mac(now).await?;
    let key = ring.current(now)?;
    let (user_id, secret): (_, TokenSecret) = (credential.user_id, app.entropy.bytes()?);
    let challenge = Challenge {
        id: ChallengeId::new(now, app.entropy.number()?),
        user_id,
        secret_hash: secret_hash(&secret),
        cred_version: credential.cred_version,
        first,
        created_at: now,
        expires_at: now.plus(CHALLENGE_LIFE),
        used_at: None,
    };
    if !app.store.add_challenge(&challenge, proof).await? {
        return Ok(None);
    }
    let token = MfaToken { user_id, email_key: credential.email_key.clone(), challenge_id: challenge.id, secret };
    let methods = credential.factors.methods(app.config.passkeys.rp_id());
    Ok(Some(MfaRequired {
        mfa_token: token.seal(key),
        methods,
        expires_in: CHALLENGE_LIFE,
        remember_device_days: app.config.accounts.remember_device_days,
    }))
}
