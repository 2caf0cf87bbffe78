//! Signing with ring, and the cache of parsed private keys.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer};
use jsonwebtoken::{Algorithm, AlgorithmFamily, EncodingKey};
use ring::digest;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};

use super::verifying::is_acceptable_rsa_key;

/// Room for the current and next keys of a few issuers in one process.
const MAX_CACHED_KEYS: usize = 16;

static CACHE: KeyCache = KeyCache::new();

/// A parsed private key. It has no `Debug`.
pub(super) enum PrivateKey {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl PrivateKey {
    fn parse(algorithm: Algorithm, key: &EncodingKey) -> Result<Self> {
        match (algorithm, key.family()) {
            (Algorithm::RS256, AlgorithmFamily::Rsa) => parse_rsa(key.as_bytes()).map(Self::Rsa),
            (Algorithm::ES256, AlgorithmFamily::Ec) => parse_p256(key.as_bytes()).map(Self::P256),
            (Algorithm::EdDSA, AlgorithmFamily::Ed) => parse_ed25519(key.as_bytes()).map(Self::Ed25519),
            (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, _) => Err(ErrorKind::InvalidKeyFormat.into()),
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        }
    }
}

/// PKCS#8, or the bare PKCS#1 that `jsonwebtoken` itself would take out of a PEM file.
pub(super) fn parse_rsa(der: &[u8]) -> Result<RsaKeyPair> {
    let pair = RsaKeyPair::from_pkcs8(der)
        .or_else(|_| RsaKeyPair::from_der(der))
        .map_err(|reason| ErrorKind::InvalidRsaKey(reason.to_string()))?;
    let PublicKeyComponents::<Vec<u8>> { n, e } = pair.public().into();
    if is_acceptable_rsa_key(&n, &e) { Ok(pair) } else { Err(ErrorKind::InvalidRsaKey("refused".to_owned()).into()) }
}

pub(super) fn parse_p256(der: &[u8]) -> Result<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
        .map_err(|_| ErrorKind::InvalidEcdsaKey.into())
}

/// "Maybe unchecked" means that a PKCS#8 file without a public key, as OpenSSL writes it, is read too; a public key that
/// is there is still checked.
pub(super) fn parse_ed25519(der: &[u8]) -> Result<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

struct RingSigner {
    algorithm: Algorithm,
    key: Arc<PrivateKey>,
}

impl Signer<Vec<u8>> for RingSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        match self.key.as_ref() {
            PrivateKey::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(|_| Error::new())?;
                Ok(signature)
            }
            PrivateKey::P256(pair) => pair
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| Error::new()),
            PrivateKey::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }
}

impl JwtSigner for RingSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "jsonwebtoken's function pointer")]
pub(super) fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    let key = CACHE.get(*algorithm, key)?;
    Ok(Box::new(RingSigner { algorithm: *algorithm, key }))
}

/// Parsed keys, the most recently used one last.
pub(super) struct KeyCache(Mutex<Vec<CachedKey>>);

struct CachedKey {
    algorithm: Algorithm,
    der_sha256: [u8; digest::SHA256_OUTPUT_LEN],
    key: Arc<PrivateKey>,
}

impl KeyCache {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The parsed key, out of the cache if it is there. A key that does not parse is not remembered.
    pub(super) fn get(&self, algorithm: Algorithm, key: &EncodingKey) -> Result<Arc<PrivateKey>> {
        let mut der_sha256 = [0; digest::SHA256_OUTPUT_LEN];
        der_sha256.copy_from_slice(digest::digest(&digest::SHA256, key.as_bytes()).as_ref());
        let wanted = |cached: &CachedKey| cached.algorithm == algorithm && cached.der_sha256 == der_sha256;

        if let Some(key) = touch(&mut self.lock(), wanted) {
            return Ok(key);
        }
        // Parsed without the lock, so that a new key does not hold up signatures with the old one.
        let parsed = Arc::new(PrivateKey::parse(algorithm, key)?);
        let mut cached = self.lock();
        if let Some(key) = touch(&mut cached, wanted) {
            return Ok(key);
        }
        if cached.len() >= MAX_CACHED_KEYS {
            cached.remove(0);
        }
        cached.push(CachedKey { algorithm, der_sha256, key: Arc::clone(&parsed) });
        Ok(parsed)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// A panic elsewhere cannot leave the list half changed.
    fn lock(&self) -> MutexGuard<'_, Vec<CachedKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds a key and moves it to the end.
fn touch(cached: &mut Vec<CachedKey>, wanted: impl Fn(&CachedKey) -> bool) -> Option<Arc<PrivateKey>> {
    let place = cached.iter().position(wanted)?;
    let found = cached.remove(place);
    let key = Arc::clone(&found.key);
    cached.push(found);
    Some(key)
}
