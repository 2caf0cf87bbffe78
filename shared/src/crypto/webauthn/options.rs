//! The options of both ceremonies, in the JSON that `parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` take:
//! WebAuthn, sections 5.1.9 and 5.1.10.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::crypto::webauthn::cose::Algorithm;
use crate::crypto::webauthn::expected::{UserVerification, user_handle};
use crate::domain::id::UserId;
use crate::domain::passkey::CredentialRecord;

/// Whom a new credential is for, as an authenticator shows it to them.
#[derive(Debug, Clone, Copy)]
pub struct PasskeyUser<'a> {
    /// The account.
    pub id: UserId,
    /// What tells accounts of one person apart: the address.
    pub name: &'a str,
    /// What they are called.
    pub display_name: &'a str,
}

/// Options for making a credential. `existing` are the user's, so that no authenticator makes a second one.
///
/// A key without a PIN, or without room to be found by itself, is welcome beside a password; so neither is required.
pub fn creation_options<'a>(
    rp_id: &str,
    rp_name: &str,
    user: &PasskeyUser<'_>,
    challenge: &[u8],
    existing: impl IntoIterator<Item = &'a CredentialRecord>,
    timeout: Duration,
) -> Value {
    let parameter = |algorithm: Algorithm| json!({ "type": "public-key", "alg": algorithm.identifier() });
    json!({
        "rp": { "id": rp_id, "name": rp_name },
        "user": {
            "id": URL_SAFE_NO_PAD.encode(user_handle(user.id)),
            "name": user.name,
            "displayName": user.display_name,
        },
        "challenge": URL_SAFE_NO_PAD.encode(challenge),
        "pubKeyCredParams": Algorithm::OFFERED.map(parameter),
        "timeout": millis(timeout),
        "excludeCredentials": descriptors(existing),
        "authenticatorSelection": {
            "residentKey": "preferred",
            "requireResidentKey": false,
            "userVerification": UserVerification::Preferred.name(),
        },
        "attestation": "none",
    })
}

/// Options for an assertion by one of `allowed`; by whichever the authenticator finds, if there are none.
pub fn request_options<'a>(
    rp_id: &str,
    challenge: &[u8],
    allowed: impl IntoIterator<Item = &'a CredentialRecord>,
    user_verification: UserVerification,
    timeout: Duration,
) -> Value {
    json!({
        "challenge": URL_SAFE_NO_PAD.encode(challenge),
        "timeout": millis(timeout),
        "rpId": rp_id,
        "allowCredentials": descriptors(allowed),
        "userVerification": user_verification.name(),
    })
}

fn descriptors<'a>(records: impl IntoIterator<Item = &'a CredentialRecord>) -> Vec<Value> {
    let descriptor = |record: &CredentialRecord| {
        json!({
            "type": "public-key",
            "id": URL_SAFE_NO_PAD.encode(&record.id),
            "transports": record.transports,
        })
    };
    records.into_iter().map(descriptor).collect()
}

fn millis(timeout: Duration) -> u64 {
    u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)
}
