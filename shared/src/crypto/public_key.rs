//! The public half of a signing key: all that verifying needs (TK-05).

use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use wardgate_verify::provider;

use crate::crypto::access_token::SignError;
use crate::crypto::key_ring::{PublicKey, Ring, SigningAlgorithm, SigningKey};

impl SigningKey {
    /// The key as the library signs with it.
    pub(super) fn encoding_key(&self) -> (Algorithm, EncodingKey) {
        match self.alg {
            SigningAlgorithm::RS256 => (Algorithm::RS256, EncodingKey::from_rsa_der(self.pkcs8.expose())),
            SigningAlgorithm::ES256 => (Algorithm::ES256, EncodingKey::from_ec_der(self.pkcs8.expose())),
        }
    }

    /// The public half. Fails where the key is none of its algorithm.
    pub fn public(&self) -> Result<PublicKey, SignError> {
        let jwk = serde_json::to_value(self.jwk()?).unwrap_or_default();
        Ok(PublicKey { jwk, validity: self.validity })
    }

    /// Whether what the key signs verifies by its public half.
    pub fn is_sound(&self) -> bool {
        const PROBE: &[u8] = b"wardgate";
        let (algorithm, key) = self.encoding_key();
        let verified = self.jwk().ok().and_then(|jwk| {
            let signature = jsonwebtoken::crypto::sign(PROBE, &key, algorithm).ok()?;
            let public = DecodingKey::from_jwk(&jwk).ok()?;
            jsonwebtoken::crypto::verify(&signature, PROBE, &public, algorithm).ok()
        });
        verified.unwrap_or(false)
    }

    fn jwk(&self) -> Result<Jwk, SignError> {
        // Keys are also made where there is no App, which installs it otherwise.
        provider::install();
        let (algorithm, key) = self.encoding_key();
        let mut jwk =
            Jwk::from_encoding_key(&key, algorithm).map_err(|cause| SignError { kid: self.kid.clone(), cause })?;
        jwk.common.key_id = Some(self.kid.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(jwk)
    }
}

impl Ring<SigningKey> {
    /// The public halves, with the same times.
    pub fn public(&self) -> Result<Ring<PublicKey>, SignError> {
        Ok(Ring { keys: self.keys.iter().map(SigningKey::public).collect::<Result<_, _>>()? })
    }
}

impl PublicKey {
    /// The `kid` of tokens that it verifies.
    pub fn kid(&self) -> &str {
        self.jwk.get("kid").and_then(|kid| kid.as_str()).unwrap_or_default()
    }
}
