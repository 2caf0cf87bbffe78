//! Key sets that an issuer publishes: no private key passes for a public one, and no set breaks a verifier (TK-05).

use serde_json::Value;
use wardgate_verify::KeySet;

use crate::jwt::{NOW, VERIFIER};

const GENUINE: &str = include_str!("../../shared/verify/testdata/example.jwt");

/// The input is a JWKS document.
pub(crate) fn run(data: &[u8]) {
    let Ok(keys) = KeySet::parse(data) else { return };
    let document: Value = serde_json::from_slice(data).expect("what was accepted is JSON");
    let published = document.get("keys").and_then(Value::as_array).expect("what was accepted has keys");
    for key in published {
        assert!(key.get("d").is_none() && key.get("k").is_none(), "a private key was accepted");
    }
    assert!(keys.len() <= published.len(), "keys out of nowhere");
    // Keys are used as they came: one that cannot be used must not panic.
    let verified = VERIFIER.verify(&keys, GENUINE.trim_end(), NOW);
    assert!(verified.is_err() || keys.contains("ec-1"), "verified by no key");
}
