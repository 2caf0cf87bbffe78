//! Registering a credential: WebAuthn, section 7.1.

use crate::crypto::webauthn::authenticator_data::AuthenticatorData;
use crate::crypto::webauthn::cbor::Value;
use crate::crypto::webauthn::client_data::{Ceremony, ClientData};
use crate::crypto::webauthn::cose::{Algorithm, PublicKey};
use crate::crypto::webauthn::errors::{CeremonyError, KeyError};
use crate::crypto::webauthn::expected::{RelyingParty, UserVerification};
use crate::domain::passkey::{CredentialRecord, known_transports};

/// What a browser answers to creation options.
#[derive(Debug, Clone, Copy)]
pub struct RegistrationResponse<'a> {
    /// `rawId`.
    pub credential_id: &'a [u8],
    /// `response.clientDataJSON`.
    pub client_data_json: &'a [u8],
    /// `response.attestationObject`.
    pub attestation_object: &'a [u8],
    /// `response.transports`.
    pub transports: &'a [String],
}

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedRegistration<'a> {
    /// The challenge.
    pub challenge: &'a [u8],
    /// Whether the user had to be verified.
    pub user_verification: UserVerification,
    /// The algorithms that were offered.
    pub algorithms: &'a [Algorithm],
}

/// Judges a registration. What is left to the caller is whether the credential's id is anybody's already (MF-13).
pub fn verify_registration(
    response: &RegistrationResponse<'_>,
    expected: &ExpectedRegistration<'_>,
    relying_party: &RelyingParty<'_>,
) -> Result<CredentialRecord, CeremonyError> {
    let client_data = ClientData::parse(response.client_data_json)?;
    client_data.verify(Ceremony::Registration, expected.challenge, relying_party)?;
    let data = AuthenticatorData::parse(authenticator_data(response.attestation_object)?)?;
    data.verify(relying_party, expected.user_verification)?;
    let credential = data.credential.ok_or(CeremonyError::NoCredential)?;
    if credential.id != response.credential_id {
        return Err(CeremonyError::CredentialId);
    }
    if !expected.algorithms.contains(&PublicKey::parse(credential.public_key)?.algorithm) {
        return Err(KeyError::Algorithm.into());
    }
    Ok(CredentialRecord {
        id: credential.id.to_vec(),
        public_key: credential.public_key.to_vec(),
        rp_id: relying_party.id.to_owned(),
        sign_count: data.sign_count,
        uv_initialized: data.flags.user_verified(),
        backup_eligible: data.flags.backup_eligible(),
        backup_state: data.flags.backup_state(),
        transports: known_transports(response.transports),
        aaguid: *credential.aaguid,
    })
}

/// What an attestation object carries. Its statement is none that was asked for, and is not judged: without a list of
/// makers to believe, it would prove nothing (MF-12).
fn authenticator_data(attestation_object: &[u8]) -> Result<&[u8], CeremonyError> {
    let object = Value::parse(attestation_object).map_err(CeremonyError::Attestation)?;
    match (object.member("fmt"), object.member("attStmt"), object.member("authData")) {
        (Some(Value::Text(_)), Some(Value::Map(_)), Some(Value::Bytes(data))) => Ok(data),
        _ => Err(CeremonyError::AttestationMembers),
    }
}
