//! Keys that switch by the clock (TK-04): what a key may do is computed from the time, so that no run of anything is
//! needed to change it.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::crypto::secret_bytes::SecretBytes;
use crate::domain::oauth::token_algorithm::TokenAlgorithm;
use crate::domain::timestamp::Timestamp;

/// The signature algorithms that access tokens are issued with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum SigningAlgorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what API Gateway's own authorizer takes.
    RS256,
    /// ECDSA on P-256 with SHA-256: small and fast.
    ES256,
}

impl From<TokenAlgorithm> for SigningAlgorithm {
    fn from(algorithm: TokenAlgorithm) -> Self {
        match algorithm {
            TokenAlgorithm::Rs256 => Self::RS256,
            TokenAlgorithm::Es256 => Self::ES256,
        }
    }
}

impl SigningAlgorithm {
    /// The name in a header's `alg` (RFC 7518).
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
        }
    }
}

/// When a key is used. Times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validity {
    /// From then on the key makes new tokens.
    pub sign_from: Timestamp,
    /// From then on it no longer does.
    pub sign_until: Timestamp,
    /// From then on what it made is no longer accepted, and it is not published.
    pub publish_until: Timestamp,
}

impl Validity {
    /// Whether the key makes new tokens at `now`.
    pub fn signs(&self, now: Timestamp) -> bool {
        self.sign_from <= now && now < self.sign_until
    }

    /// Whether what the key made is accepted at `now`. A key that signs later already counts: another instance's
    /// clock may be ahead of ours.
    pub fn is_published(&self, now: Timestamp) -> bool {
        now < self.publish_until
    }
}

/// A private signing key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SigningKey {
    /// The `kid` in a token's header.
    pub kid: String,
    /// The one algorithm this key signs with.
    pub alg: SigningAlgorithm,
    /// The private key, PKCS #8 in DER.
    pub pkcs8: SecretBytes,
    /// When it is used.
    #[serde(flatten)]
    pub validity: Validity,
}

/// A symmetric key for sealed tokens.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MacKey {
    /// Names the key inside tokens: 1 to 32 of `a-z`, `0-9` and `-`.
    pub kid: String,
    /// At least 256 random bits.
    pub secret: SecretBytes,
    /// When it is used.
    #[serde(flatten)]
    pub validity: Validity,
}

/// A key that wraps what the table keeps: password hashes, secrets of authenticator apps. Unlike the others it has no end: it
/// goes when no row uses it (PW-02, MF-05).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WrapKey {
    /// Stored beside what it sealed.
    pub version: u32,
    /// 256 random bits.
    pub secret: SecretBytes,
    /// From then on new hashes are sealed with this key; the latest such key wins.
    pub sign_from: Timestamp,
}

/// A published verification key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublicKey {
    /// The key as RFC 7517 has it, with `kid`, `alg` and `use`.
    pub jwk: serde_json::Value,
    /// When it is used.
    #[serde(flatten)]
    pub validity: Validity,
}

/// A ring as it is stored: one secret object per ring.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ring<K> {
    /// In no particular order.
    pub keys: Vec<K>,
}

/// No key of the ring is in its signing time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no key may sign at this time")]
pub struct NoCurrentKey;

/// A key that is used from some time on.
pub trait Dated {
    /// That time.
    fn sign_from(&self) -> Timestamp;
}

impl Dated for SigningKey {
    fn sign_from(&self) -> Timestamp {
        self.validity.sign_from
    }
}

impl Dated for MacKey {
    fn sign_from(&self) -> Timestamp {
        self.validity.sign_from
    }
}

impl Dated for PublicKey {
    fn sign_from(&self) -> Timestamp {
        self.validity.sign_from
    }
}

impl Dated for WrapKey {
    fn sign_from(&self) -> Timestamp {
        self.sign_from
    }
}

impl<K: Dated> Ring<K> {
    /// From when on its newest key is used, which may be later than now.
    pub fn newest(&self) -> Option<Timestamp> {
        self.keys.iter().map(Dated::sign_from).max()
    }
}

impl Ring<SigningKey> {
    /// The key of `alg` that signs at `now`: the one that started last.
    pub fn current(&self, alg: SigningAlgorithm, now: Timestamp) -> Result<&SigningKey, NoCurrentKey> {
        let signing = self.keys.iter().filter(|key| key.alg == alg && key.validity.signs(now));
        signing.max_by_key(|key| key.validity.sign_from).ok_or(NoCurrentKey)
    }
}

impl Ring<MacKey> {
    /// The key that seals at `now`: the one that started last.
    pub fn current(&self, now: Timestamp) -> Result<&MacKey, NoCurrentKey> {
        let signing = self.keys.iter().filter(|key| key.validity.signs(now));
        signing.max_by_key(|key| key.validity.sign_from).ok_or(NoCurrentKey)
    }

    /// The key by its name, if what it made is still accepted at `now`.
    pub fn find(&self, kid: &str, now: Timestamp) -> Option<&MacKey> {
        self.keys.iter().find(|key| key.kid == kid && key.validity.is_published(now))
    }
}

impl Ring<WrapKey> {
    /// The key that seals at `now`.
    pub fn current(&self, now: Timestamp) -> Result<&WrapKey, NoCurrentKey> {
        self.keys.iter().filter(|key| key.sign_from <= now).max_by_key(|key| key.sign_from).ok_or(NoCurrentKey)
    }

    /// The key that sealed an existing row.
    pub fn find(&self, version: u32) -> Option<&WrapKey> {
        self.keys.iter().find(|key| key.version == version)
    }
}

impl Ring<PublicKey> {
    /// The public half of the key of `alg` that signs at `now`.
    pub fn current(&self, alg: SigningAlgorithm, now: Timestamp) -> Result<&PublicKey, NoCurrentKey> {
        let of_alg = |key: &&PublicKey| key.jwk.get("alg").and_then(|name| name.as_str()) == Some(alg.name());
        let signing = self.keys.iter().filter(|key| key.validity.signs(now)).filter(of_alg);
        signing.max_by_key(|key| key.validity.sign_from).ok_or(NoCurrentKey)
    }

    /// Whether the keys published at `now` are those published at `then`.
    pub fn is_unchanged(&self, then: Timestamp, now: Timestamp) -> bool {
        self.keys.iter().all(|key| key.validity.is_published(then) == key.validity.is_published(now))
    }

    /// The JWK set (RFC 7517) of every key published at `now`.
    pub fn jwks(&self, now: Timestamp) -> serde_json::Value {
        let keys = self.keys.iter().filter(|key| key.validity.is_published(now));
        serde_json::json!({ "keys": keys.map(|key| &key.jwk).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A MAC key for tests, its secret made of its name.
    pub(crate) fn mac_key(kid: &str, sign_from: i64, sign_until: i64, publish_until: i64) -> MacKey {
        let validity =
            Validity { sign_from: at(sign_from), sign_until: at(sign_until), publish_until: at(publish_until) };
        MacKey { kid: kid.to_owned(), secret: SecretBytes::new(kid.repeat(32).into_bytes()), validity }
    }

    #[test]
    fn sec_tk_04_the_clock_alone_switches_the_key() {
        let ring = Ring { keys: vec![mac_key("old", 0, 200, 900), mac_key("new", 100, 300, 900)] };
        let current = |now| ring.current(at(now)).map(|key| key.kid.as_str());
        assert_eq!(current(99), Ok("old"));
        assert_eq!(current(100), Ok("new"));
        assert_eq!(current(299), Ok("new"));
        assert_eq!(current(300), Err(NoCurrentKey));
    }

    #[test]
    fn sec_tk_04_a_key_is_accepted_before_it_signs_and_until_it_is_unpublished() {
        let ring = Ring { keys: vec![mac_key("k", 100, 200, 300)] };
        assert!(ring.find("k", at(50)).is_some());
        assert!(ring.find("k", at(299)).is_some());
        assert!(ring.find("k", at(300)).is_none());
    }

    #[test]
    fn sec_tk_04_the_jwks_holds_every_published_key() {
        let key = |kid: &str, publish_until| PublicKey {
            jwk: serde_json::json!({ "kid": kid }),
            validity: Validity { sign_from: at(100), sign_until: at(200), publish_until: at(publish_until) },
        };
        let ring = Ring { keys: vec![key("retired", 10), key("next", 500)] };
        assert_eq!(ring.jwks(at(10)), serde_json::json!({ "keys": [{ "kid": "next" }] }));
    }
}
