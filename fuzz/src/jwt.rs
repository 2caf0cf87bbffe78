//! Access tokens from strangers: nothing but the genuine one is accepted, and nothing else matters (TK-02).

use std::sync::LazyLock;

use wardgate_verify::{KeySet, Verifier};

const KEY_SET: &[u8] = include_bytes!("../../shared/verify/testdata/example.jwks.json");
const GENUINE: &str = include_str!("../../shared/verify/testdata/example.jwt");
pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
/// Within the genuine token's time.
pub(crate) const NOW: i64 = 1_800_000_060;

pub(crate) static KEYS: LazyLock<KeySet> = LazyLock::new(|| KeySet::parse(KEY_SET).expect("the example's keys"));
pub(crate) static VERIFIER: LazyLock<Verifier> =
    LazyLock::new(|| Verifier::new(ISSUER, [AUDIENCE]).expect("an issuer and an audience"));

/// The input is what follows `Bearer `.
pub(crate) fn run(data: &[u8]) {
    let token = crate::text(data);
    // An ECDSA signature has a twin that anybody can compute, so only what it signs is unique.
    let signed = |token: &str| token.trim_end().rsplit_once('.').map(|(signed, _)| signed.to_owned());
    if VERIFIER.verify(&KEYS, token, NOW).is_ok() {
        assert_eq!(signed(token), signed(GENUINE), "a forgery");
    }
}

/// The genuine token has to stay acceptable, or refusing everything would pass.
#[cfg(test)]
pub(crate) fn assert_that_the_genuine_is_accepted() {
    assert!(VERIFIER.verify(&KEYS, GENUINE.trim_end(), NOW).is_ok());
}
