//! Asking for a passkey, and judging what it answers.

use std::time::Duration;

use serde_json::Value;

use crate::app::App;
use crate::crypto::passkey_challenge::{CEREMONY_LIFE, Ceremony, CeremonyPurpose, challenge_hash};
use crate::crypto::webauthn::assertion::{AssertionResponse, Counter, ExpectedAssertion, Identified, verify_assertion};
use crate::crypto::webauthn::client_data::ClientData;
use crate::crypto::webauthn::expected::UserVerification;
use crate::crypto::webauthn::options::request_options;
use crate::domain::passkey::Passkey;
use crate::domain::request_context::RequestContext;
use crate::domain::second_factor::UsedPasskey;
use crate::fault::Fault;

/// What a browser is to ask of an authenticator.
#[derive(Debug, Clone, PartialEq)]
pub struct PasskeyOptions {
    /// As `parseRequestOptionsFromJSON` or `parseCreationOptionsFromJSON` takes it.
    pub public_key: Value,
    /// How long the challenge in it lives.
    pub expires_in: Duration,
}

/// What a passkey has signed: `response` of `navigator.credentials.get`, as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownPasskey {
    /// `rawId`.
    pub credential_id: Vec<u8>,
    /// `response.clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `response.authenticatorData`.
    pub authenticator_data: Vec<u8>,
    /// `response.signature`.
    pub signature: Vec<u8>,
    /// `response.userHandle`.
    pub user_handle: Option<Vec<u8>>,
}

impl ShownPasskey {
    fn response(&self) -> AssertionResponse<'_> {
        AssertionResponse {
            credential_id: &self.credential_id,
            client_data_json: &self.client_data_json,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
            user_handle: self.user_handle.as_deref(),
        }
    }
}

/// Asks for one of the user's passkeys, beside another factor or in its place. `None` where there is none for this RP ID (MF-19).
pub(super) async fn ask_for_passkey(
    app: &App,
    context: &RequestContext,
    ceremony: &Ceremony,
    verification: UserVerification,
) -> Result<Option<PasskeyOptions>, Fault> {
    let rp_id = app.config.passkeys.rp_id();
    let passkeys = app.store.list_passkeys(ceremony.user_id).await?;
    let usable: Vec<&Passkey> = passkeys.iter().filter(|passkey| passkey.record.is_usable_at(rp_id)).collect();
    if usable.is_empty() {
        return Ok(None);
    }
    let challenge = challenge(app, context, ceremony).await?;
    let records = usable.into_iter().map(|passkey| &passkey.record);
    let public_key = request_options(rp_id, challenge.as_bytes(), records, verification, CEREMONY_LIFE);
    Ok(Some(PasskeyOptions { public_key, expires_in: CEREMONY_LIFE }))
}

/// A challenge for a ceremony that begins now.
pub(super) async fn challenge(app: &App, context: &RequestContext, ceremony: &Ceremony) -> Result<String, Fault> {
    let ring = app.secrets.login_mac(context.now).await?;
    Ok(ceremony.seal(context.now, app.entropy.bytes()?, ring.current(context.now)?))
}

/// Judges what a passkey has signed, beside another factor or alone. Why it is refused stands in the log alone.
pub(super) async fn judge_passkey(
    app: &App,
    context: &RequestContext,
    ceremony: &Ceremony,
    shown: &ShownPasskey,
    verification: UserVerification,
) -> Result<Option<UsedPasskey>, Fault> {
    let request_id = &context.request_id;
    let Some(challenge) = answered(app, context, ceremony, shown).await? else {
        tracing::info!(request_id, "a passkey has answered no challenge of this ceremony");
        return Ok(None);
    };
    let Some(passkey) = app.store.read_passkey(ceremony.user_id, &shown.credential_id).await? else {
        tracing::info!(request_id, "a passkey was shown that is none of the account's");
        return Ok(None);
    };
    let asked = Asked { challenge: &challenge, ceremony, verification, identified: Identified::Before };
    let used = verify(app, context, shown, asked, passkey);
    Ok(used.map(|used| UsedPasskey {
        // A first step is used up by itself.
        spends: used.spends.filter(|_| ceremony.purpose != CeremonyPurpose::SecondStep),
        ..used
    }))
}

/// The challenge that a passkey has answered, where it is one of the ceremony's.
pub(super) async fn answered(
    app: &App,
    context: &RequestContext,
    ceremony: &Ceremony,
    shown: &ShownPasskey,
) -> Result<Option<Vec<u8>>, Fault> {
    let ring = app.secrets.login_mac(context.now).await?;
    let challenge = ClientData::parse(&shown.client_data_json).ok().and_then(|data| data.challenge());
    Ok(challenge.filter(|challenge| ceremony.verify(challenge, &ring, context.now).is_ok()))
}

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) challenge: &'a [u8],
    /// Whose passkey it has to be.
    pub(super) ceremony: &'a Ceremony,
    /// Alone, a passkey has to have verified its user, now and before (MF-17).
    pub(super) verification: UserVerification,
    /// Whether it says who it is.
    pub(super) identified: Identified,
}

/// Judges a signature by the passkey that it is to be of.
pub(super) fn verify(
    app: &App,
    context: &RequestContext,
    shown: &ShownPasskey,
    Asked { challenge, ceremony, verification: user_verification, identified }: Asked<'_>,
    passkey: Passkey,
) -> Option<UsedPasskey> {
    let expected = ExpectedAssertion { challenge, user_verification, identified };
    let relying_party = app.config.passkeys.relying_party();
    match verify_assertion(&shown.response(), &expected, &relying_party, &passkey.record, ceremony.user_id) {
        Ok(assertion) => Some(UsedPasskey {
            sign_count: assertion.sign_count,
            backup_state: assertion.backup_state,
            // Beside another factor. Alone it has done so before, or is refused.
            uv_initialized: passkey.record.uv_initialized || assertion.user_verified,
            regressed: assertion.counter == Counter::Regressed,
            at: context.now,
            spends: Some(challenge_hash(challenge)),
            passkey,
        }),
        Err(cause) => {
            tracing::info!(request_id = context.request_id, %cause, "a passkey was refused");
            None
        }
    }
}
