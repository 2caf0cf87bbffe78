//! Registering a passkey (MF-08, MF-12, MF-13).
//!
//! Store requests: two reads in parallel (session, user); two more (passkey, whose the credential is); one transaction (user,
//! credential, session, passkey, owner, the mail to the owner, audit; with a first factor the recovery codes).

use thiserror::Error;

use crate::app::App;
use crate::crypto::recovery_code::RecoveryCode;
use crate::crypto::webauthn::client_data::ClientData;
use crate::crypto::webauthn::cose::Algorithm;
use crate::crypto::webauthn::expected::UserVerification;
use crate::crypto::webauthn::registration::{ExpectedRegistration, RegistrationResponse, verify_registration};
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, Level, Shown};
use crate::domain::id::FactorId;
use crate::domain::name::DisplayName;
use crate::domain::passkey::{CredentialRecord, MOST_PASSKEYS, Passkey};
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::accounts::passkey_options::{PasskeyOptionsError, ceremony};
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make, mint_codes};

/// What a passkey is called whose owner says nothing.
const UNNAMED: &str = "Passkey";

/// A passkey that an authenticator has made: `response` of `navigator.credentials.create`, as it came.
#[derive(Debug)]
pub struct NewPasskey {
    /// `rawId`.
    pub credential_id: Vec<u8>,
    /// `response.clientDataJSON`.
    pub client_data_json: Vec<u8>,
    /// `response.attestationObject`.
    pub attestation_object: Vec<u8>,
    /// `response.transports`.
    pub transports: Vec<String>,
    /// What its owner calls it.
    pub name: Option<DisplayName>,
    /// Whether every other session ends (MF-26).
    pub end_other_sessions: bool,
}

/// A passkey that is registered.
pub struct AddedPasskey {
    /// The passkey.
    pub passkey: Passkey,
    /// The recovery codes that come with a first factor. Of a registration that is sent again there are none: they were shown.
    pub recovery_codes: Vec<RecoveryCode>,
}

/// Why there is no passkey.
#[derive(Debug, Error)]
pub enum PasskeyAddError {
    /// The challenge is too old, or of another session.
    #[error("the challenge has expired, or is of another session")]
    Expired,
    /// The authenticator's answer is not what it has to be. Why stands in the log.
    #[error("the answer is not valid")]
    Invalid,
    /// The credential is another account's.
    #[error("the passkey is registered already")]
    Exists,
    /// The account has as many as it may have.
    #[error("the account has too many passkeys")]
    TooMany,
    /// What any change of factors can come to.
    #[error(transparent)]
    Change(#[from] FactorsChangeError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(PasskeyAddError);

impl From<PasskeyOptionsError> for PasskeyAddError {
    fn from(error: PasskeyOptionsError) -> Self {
        match error {
            PasskeyOptionsError::TooMany => Self::TooMany,
            PasskeyOptionsError::Change(error) => Self::Change(error),
            PasskeyOptionsError::Fault(fault) => Self::Fault(fault),
        }
    }
}

/// Registers a passkey of the caller's.
pub async fn passkey_add(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    new: NewPasskey,
) -> Result<AddedPasskey, PasskeyAddError> {
    let found = authenticate_fresh(app, context, caller).await;
    let caller = found.map_err(|error: AuthenticateError| FactorsChangeError::from(error))?;
    let (user, session) = (caller.user, caller.session);
    let record = judge(app, context, &session, &new).await?;
    let (kept, owner) =
        futures::try_join!(app.store.read_passkey(user.id, &record.id), app.store.read_passkey_owner(&record.id))?;
    match (kept, owner) {
        // The answer was lost (MF-13).
        (Some(passkey), _) if passkey.record.public_key == record.public_key => {
            return Ok(AddedPasskey { passkey, recovery_codes: Vec::new() });
        }
        (None, None) => {}
        _ => return Err(PasskeyAddError::Exists),
    }
    if user.factors.passkeys() >= MOST_PASSKEYS {
        return Err(PasskeyAddError::TooMany);
    }
    let id = FactorId::new(context.now, app.entropy.number()?);
    let name = new.name.as_ref().map_or(UNNAMED, DisplayName::as_str).to_owned();
    let passkey = Passkey { id, name, created_at: context.now, last_used_at: None, record };
    let recovery_codes = add(app, context, (&user, session), &passkey, new.end_other_sessions).await?;
    Ok(AddedPasskey { passkey, recovery_codes })
}

async fn judge(
    app: &App,
    context: &RequestContext,
    session: &Session,
    new: &NewPasskey,
) -> Result<CredentialRecord, PasskeyAddError> {
    let (now, request_id) = (context.now, &context.request_id);
    let ring = app.secrets.login_mac(now).await?;
    let challenge = ClientData::parse(&new.client_data_json).ok().and_then(|data| data.challenge());
    let challenge = challenge.filter(|challenge| ceremony(session).verify(challenge, &ring, now).is_ok());
    let challenge = challenge.ok_or(PasskeyAddError::Expired)?;
    let response = RegistrationResponse {
        credential_id: &new.credential_id,
        client_data_json: &new.client_data_json,
        attestation_object: &new.attestation_object,
        transports: &new.transports,
    };
    let expected = ExpectedRegistration {
        challenge: &challenge,
        user_verification: UserVerification::Preferred,
        algorithms: &Algorithm::OFFERED,
    };
    verify_registration(&response, &expected, &app.config.passkeys.relying_party()).map_err(|cause| {
        tracing::info!(request_id, %cause, "a passkey was refused");
        PasskeyAddError::Invalid
    })
}

async fn add(
    app: &App,
    context: &RequestContext,
    (user, session): (&User, Session),
    passkey: &Passkey,
    ends_others: bool,
) -> Result<Vec<RecoveryCode>, PasskeyAddError> {
    let rp_id = app.config.passkeys.rp_id();
    let is_first = user.factors.level(rp_id) == Level::One;
    let codes = if is_first { Some(mint_codes(app, context, user)?) } else { None };
    // Who has signed in just now and shows a passkey has shown all that there is.
    let amr = if is_first { Shown::beside(&session.amr, true).amr() } else { session.amr.clone() };
    let change = Change {
        user,
        session: &Session { amr, ..session },
        factors: &user.factors.with_passkey(rp_id),
        totp: TotpSetting::AsItIs,
        passkey: PasskeySetting::New(passkey),
        codes: codes.as_ref().map_or(CodesSetting::AsTheyAre, |(kept, _)| CodesSetting::New(kept)),
        what: FactorChange::PasskeyAdded,
        action: AuditAction::PasskeyAdded,
        factor: Some(passkey.id),
        ends_others,
    };
    make(app, context, change).await?;
    Ok(codes.map(|(_, shown)| shown).unwrap_or_default())
}
