//! The vectors of the specification, and every single change of them.

mod assertions;
mod cbor;
mod cose;
mod options;
mod origins;
mod registrations;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::crypto::webauthn::cbor::Value;
use crate::crypto::webauthn::cose::Algorithm;
use crate::crypto::webauthn::errors::CeremonyError;
use crate::crypto::webauthn::expected::{RelyingParty, UserVerification};
use crate::crypto::webauthn::registration::{ExpectedRegistration, RegistrationResponse, verify_registration};
use crate::domain::passkey::CredentialRecord;

const VECTORS: &str = include_str!("../../../testdata/webauthn.json");
/// Where the flags are in authenticator data.
const FLAGS: usize = 32;

/// Hex in the file.
#[derive(Clone)]
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
        bytes.collect::<Result<_, _>>().map(Self).map_err(serde::de::Error::custom)
    }
}

#[derive(Clone, Deserialize)]
struct Registered {
    challenge: Hex,
    credential_id: Hex,
    #[serde(rename = "clientDataJSON")]
    client_data: Hex,
    #[serde(rename = "attestationObject")]
    attestation_object: Hex,
}

#[derive(Clone, Deserialize)]
struct Asserted {
    challenge: Hex,
    #[serde(rename = "clientDataJSON")]
    client_data: Hex,
    #[serde(rename = "authenticatorData")]
    authenticator_data: Hex,
    signature: Hex,
}

#[derive(Clone, Deserialize)]
struct Vector {
    registration: Registered,
    authentication: Asserted,
}

/// All of them by name.
fn vectors() -> BTreeMap<String, Vector> {
    serde_json::from_str(VECTORS).unwrap()
}

/// Those whose algorithm we take, with their records.
fn usable_vectors() -> Vec<(String, Vector, CredentialRecord)> {
    let with_record = |(name, vector): (String, Vector)| {
        let record = vector.registration.verify(UserVerification::Preferred).ok()?;
        Some((name, vector, record))
    };
    vectors().into_iter().filter_map(with_record).collect()
}

fn origins() -> Vec<String> {
    vec!["https://app.example.org".to_owned(), "https://example.org".to_owned()]
}

fn top_origins() -> Vec<String> {
    vec!["https://example.com".to_owned()]
}

/// Asks for something with the specification's relying party.
fn with_relying_party<T>(top_origins: &[String], ask: impl FnOnce(&RelyingParty<'_>) -> T) -> T {
    ask(&RelyingParty { id: "example.org", origins: &origins(), related_origins: &[], top_origins })
}

impl Registered {
    fn verify(&self, user_verification: UserVerification) -> Result<CredentialRecord, CeremonyError> {
        self.verify_within(user_verification, &top_origins())
    }

    fn verify_within(
        &self,
        user_verification: UserVerification,
        top_origins: &[String],
    ) -> Result<CredentialRecord, CeremonyError> {
        with_relying_party(top_origins, |it| self.verify_at(it, user_verification, &Algorithm::OFFERED))
    }

    fn verify_at(
        &self,
        relying_party: &RelyingParty<'_>,
        user_verification: UserVerification,
        algorithms: &[Algorithm],
    ) -> Result<CredentialRecord, CeremonyError> {
        let response = RegistrationResponse {
            credential_id: &self.credential_id.0,
            client_data_json: &self.client_data.0,
            attestation_object: &self.attestation_object.0,
            transports: &["internal".to_owned()],
        };
        let expected = ExpectedRegistration { challenge: &self.challenge.0, user_verification, algorithms };
        verify_registration(&response, &expected, relying_party)
    }

    /// The same with other authenticator data.
    fn with_data(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let object = self.attestation_object.0.clone();
        let mut data = Value::parse(&object).unwrap().member("authData").unwrap().bytes().unwrap().to_vec();
        change(&mut data);
        let Value::Map(mut entries) = Value::parse(&object).unwrap() else { unreachable!() };
        for (_, value) in entries.iter_mut().filter(|(key, _)| *key == Value::Text("authData")) {
            *value = Value::Bytes(&data);
        }
        Self { attestation_object: Hex(encoded(&Value::Map(entries))), ..self.clone() }
    }

    /// The same with other client data, which no signature covers without a statement.
    fn with_client_data(&self, from: &str, to: &str) -> Self {
        Self { client_data: replaced(&self.client_data, from, to), ..self.clone() }
    }
}

fn encoded(value: &Value<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

fn replaced(json: &Hex, from: &str, to: &str) -> Hex {
    let text = String::from_utf8(json.0.clone()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    Hex(text.replacen(from, to, 1).into_bytes())
}
