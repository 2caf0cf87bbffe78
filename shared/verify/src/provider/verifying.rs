//! Verifying with ring.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::JwtVerifier;
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

enum PublicKey {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    Curve(UnparsedPublicKey<Vec<u8>>),
}

struct RingVerifier {
    algorithm: Algorithm,
    key: PublicKey,
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        match &self.key {
            PublicKey::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            PublicKey::Curve(key) => key.verify(message, signature),
        }
        .map_err(|_| Error::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "jsonwebtoken's function pointer")]
pub(super) fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    let key = match (algorithm, key.family(), key.kind()) {
        // RSA keys in DER are not read: ring would take their exponent unseen.
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            if !is_acceptable_rsa_key(n, e) {
                return Err(ErrorKind::InvalidRsaKey("refused".to_owned()).into());
            }
            PublicKey::Rsa(RsaPublicKeyComponents { n: n.clone(), e: e.clone() })
        }
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            PublicKey::Curve(UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.clone()))
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            PublicKey::Curve(UnparsedPublicKey::new(&ED25519, point.clone()))
        }
        (Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA, _, _) => {
            return Err(ErrorKind::InvalidKeyFormat.into());
        }
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(RingVerifier { algorithm: *algorithm, key }))
}

/// What `jsonwebtoken::crypto::verify` does, without asking which provider the process has.
pub(super) fn verify(signature: &str, message: &[u8], key: &DecodingKey, algorithm: Algorithm) -> Result<bool> {
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(ErrorKind::Base64)?;
    Ok(verifier(&algorithm, key)?.verify(message, &signature).is_ok())
}

/// TK-05: 2048 to 8192 bits and e = 65537, both as RFC 7518 section 6.3.1 spells them, without leading zeros.
///
/// ring rounds the length up to whole bytes and would take 2041 bits.
pub(crate) fn is_acceptable_rsa_key(n: &[u8], e: &[u8]) -> bool {
    let full = n.len() == 256 && n.first().is_some_and(|first| *first >= 0x80);
    let longer = (257..=1024).contains(&n.len()) && n.first().is_some_and(|first| *first != 0);
    e == [1, 0, 1] && (full || longer)
}
