//! Access tokens by RFC 9068 (TK-01).

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use thiserror::Error;
use wardgate_verify::AccessToken;

use crate::crypto::key_ring::{NoCurrentKey, Ring, SigningAlgorithm, SigningKey};
use crate::domain::timestamp::Timestamp;

/// The media type of RFC 9068 in the header.
const TYPE: &str = "at+jwt";

/// Why no token could be signed.
#[derive(Debug, Error)]
pub enum SignError {
    /// The ring has no key for now.
    #[error(transparent)]
    NoCurrentKey(#[from] NoCurrentKey),
    /// The key in the ring is not a key of its algorithm.
    #[error("the signing key {kid} cannot sign: {cause}")]
    BadKey {
        /// Which key.
        kid: String,
        /// What the library says of it.
        cause: jsonwebtoken::errors::Error,
    },
}

/// Signs a token with the key of `algorithm` that is current at `now`.
pub fn sign(
    claims: &AccessToken,
    ring: &Ring<SigningKey>,
    algorithm: SigningAlgorithm,
    now: Timestamp,
) -> Result<String, SignError> {
    let key = ring.current(algorithm, now)?;
    let (algorithm, encoding_key) = match key.alg {
        SigningAlgorithm::RS256 => (Algorithm::RS256, EncodingKey::from_rsa_der(key.pkcs8.expose())),
        SigningAlgorithm::ES256 => (Algorithm::ES256, EncodingKey::from_ec_der(key.pkcs8.expose())),
    };
    let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &encoding_key)
        .map_err(|cause| SignError::BadKey { kid: key.kid.clone(), cause })
}
