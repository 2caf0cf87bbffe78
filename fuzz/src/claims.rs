//! Headers and payloads under a genuine signature: what a verifier reads once it trusts the key.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use wardgate_verify::AccessToken;

use crate::jwt::{AUDIENCE, ISSUER, KEYS, NOW, VERIFIER};

/// The private half of the example's key, which protects nothing.
const PKCS8: &[u8] = include_bytes!("../../shared/verify/testdata/p256.pkcs8.der");

static PRIVATE: LazyLock<EcdsaKeyPair> = LazyLock::new(|| {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, PKCS8, &SystemRandom::new()).expect("the example's key")
});

/// The input is a token's header, a line break, and its payload.
pub(crate) fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == b'\n');
    let mut encoded = || URL_SAFE_NO_PAD.encode(parts.next().unwrap_or_default());
    let message = format!("{}.{}", encoded(), encoded());
    let signature = PRIVATE.sign(&SystemRandom::new(), message.as_bytes()).expect("a signature");
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature));

    let Ok(access) = VERIFIER.verify(&KEYS, &token, NOW) else { return };
    assert_eq!(access.iss, ISSUER);
    assert!(access.aud.iter().any(|aud| aud == AUDIENCE), "for {:?}", access.aud);
    assert!(access.exp > NOW - 5 && access.iat <= NOW + 5, "from {} to {}", access.iat, access.exp);
    assert!(access.nbf.is_none_or(|nbf| nbf <= NOW + 5), "not before {:?}", access.nbf);
    assert!(!access.sub.is_empty() && !access.jti.is_empty() && !access.client_id.is_empty(), "an empty claim");

    let json = serde_json::to_vec(&access).expect("claims are JSON");
    assert_eq!(serde_json::from_slice::<AccessToken>(&json).ok(), Some(access), "claims do not survive a round trip");
}
