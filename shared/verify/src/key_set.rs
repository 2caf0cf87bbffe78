//! The issuer's public keys (RFC 7517), one algorithm pinned to each identifier.

use std::collections::{HashMap, HashSet};
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

use crate::KeySetError;
use crate::jws::{is_kid, supported_algorithm};
use crate::members::Members;
use crate::provider::is_acceptable_rsa_key;

/// Longest accepted key set, in bytes.
const MAX_KEY_SET_BYTES: usize = 64 * 1024;

/// Members of private and symmetric keys: RFC 7518 section 6, and `priv` of the post-quantum `AKP` keys.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// The issuer's public keys. Cheap to look up in, parsed once, meant to be kept and replaced as a whole.
///
/// Fetching and caching the document is the caller's work (TK-03: at most one refetch a minute for an unknown kid; TK-04:
/// stale for at most an hour).
#[derive(Clone, Default)]
pub struct KeySet {
    keys: HashMap<String, PinnedKey>,
}

/// A key, and the one algorithm it may be used with (TK-02).
#[derive(Clone)]
pub(crate) struct PinnedKey {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

impl KeySet {
    /// Parses a JWKS document (RFC 7517 section 5).
    ///
    /// Keys of algorithms other than RS256, ES256 and EdDSA (Ed25519) are skipped, so that an issuer can publish new kinds
    /// without breaking verifiers. Whether a P-256 point is on its curve shows only in use: no signature of one that
    /// is not ever verifies.
    ///
    /// # Errors
    /// See [`KeySetError`]. One bad key of a supported algorithm refuses the whole set, which is better found when it is
    /// published than when a token arrives.
    pub fn parse(jwks_json: &[u8]) -> Result<Self, KeySetError> {
        if jwks_json.len() > MAX_KEY_SET_BYTES {
            return Err(KeySetError::TooLong);
        }
        // Twice over: a derived struct refuses a second `keys` but reads an array as gladly as an object.
        Members::parse(jwks_json).ok_or(KeySetError::Malformed)?;
        let document: Document = serde_json::from_slice(jwks_json).map_err(|_| KeySetError::Malformed)?;
        let mut seen = HashSet::new();
        let mut keys = HashMap::new();
        for (index, mut jwk) in document.keys.into_iter().enumerate() {
            if PRIVATE.into_iter().any(|name| jwk.contains(name)) {
                return Err(KeySetError::PrivateKey { index });
            }
            let kid = match jwk.remove("kid") {
                Some(Value::String(kid)) if is_kid(&kid) => kid,
                _ => return Err(KeySetError::InvalidKid { index }),
            };
            if !seen.insert(kid.clone()) {
                return Err(KeySetError::DuplicateKid { kid });
            }
            match PinnedKey::read(jwk) {
                Ok(Some(key)) => drop(keys.insert(kid, key)),
                Ok(None) => {}
                Err(Unusable(reason)) => return Err(KeySetError::InvalidKey { kid, reason }),
            }
        }
        Ok(Self { keys })
    }

    /// Whether a token that names `kid` can be verified without fetching the set anew.
    #[must_use]
    pub fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// How many keys can be used; skipped ones do not count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether no key can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&PinnedKey> {
        self.keys.get(kid)
    }
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Members>,
}

/// Identifiers and algorithms only.
impl fmt::Debug for KeySet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pins = self.keys.iter().map(|(kid, key)| (kid, key.algorithm));
        formatter.debug_map().entries(pins).finish()
    }
}

/// What is wrong with a key of a supported algorithm.
struct Unusable(&'static str);

impl PinnedKey {
    /// `None` if the key is for an algorithm we do not have.
    fn read(mut jwk: Members) -> Result<Option<Self>, Unusable> {
        let kty = text(&mut jwk, "kty")?;
        let algorithm = match jwk.remove("alg") {
            Some(Value::String(name)) => match supported_algorithm(&name) {
                Some(algorithm) => algorithm,
                None => return Ok(None),
            },
            None if !matches!(kty.as_str(), "RSA" | "EC" | "OKP") => return Ok(None),
            _ => return Err(Unusable("alg is missing or not a string")),
        };
        refuse_other_uses(&mut jwk)?;
        let key = match (algorithm, kty.as_str()) {
            (Algorithm::RS256, "RSA") => rsa(&mut jwk)?,
            (Algorithm::ES256, "EC") => p256(&mut jwk)?,
            (Algorithm::EdDSA, "OKP") => ed25519(&mut jwk)?,
            _ => return Err(Unusable("kty does not agree with alg")),
        };
        Ok(Some(Self { algorithm, key }))
    }
}

fn refuse_other_uses(jwk: &mut Members) -> Result<(), Unusable> {
    if jwk.remove("use").is_some_and(|value| value != "sig") {
        return Err(Unusable("use is not sig"));
    }
    match jwk.remove("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations)) if operations.iter().any(|name| name == "verify") => Ok(()),
        Some(_) => Err(Unusable("key_ops lacks verify")),
    }
}

fn rsa(jwk: &mut Members) -> Result<DecodingKey, Unusable> {
    let (n, e) = (octets(jwk, "n")?, octets(jwk, "e")?);
    if !is_acceptable_rsa_key(&n, &e) {
        return Err(Unusable("RSA key is not 2048 to 8192 bits with e = 65537"));
    }
    Ok(DecodingKey::from_rsa_raw_components(&n, &e))
}

fn p256(jwk: &mut Members) -> Result<DecodingKey, Unusable> {
    curve(jwk, "P-256")?;
    let (x, y) = (octets(jwk, "x")?, octets(jwk, "y")?);
    if x.len() != 32 || y.len() != 32 {
        return Err(Unusable("coordinates are not 32 octets"));
    }
    // SEC 1 section 2.3.3: an uncompressed point.
    Ok(DecodingKey::from_ec_der(&[&[0x04], x.as_slice(), y.as_slice()].concat()))
}

fn ed25519(jwk: &mut Members) -> Result<DecodingKey, Unusable> {
    curve(jwk, "Ed25519")?;
    let x = octets(jwk, "x")?;
    if x.len() != 32 {
        return Err(Unusable("public key is not 32 octets"));
    }
    Ok(DecodingKey::from_ed_der(&x))
}

fn curve(jwk: &mut Members, expected: &str) -> Result<(), Unusable> {
    if text(jwk, "crv")? == expected { Ok(()) } else { Err(Unusable("crv does not agree with alg")) }
}

fn text(jwk: &mut Members, name: &'static str) -> Result<String, Unusable> {
    match jwk.take_text(name) {
        Ok(Some(text)) => Ok(text),
        _ => Err(Unusable("a required member is missing or not a string")),
    }
}

fn octets(jwk: &mut Members, name: &'static str) -> Result<Vec<u8>, Unusable> {
    let text = text(jwk, name)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Unusable("a required member is not base64url"))
}

#[cfg(test)]
mod tests;
