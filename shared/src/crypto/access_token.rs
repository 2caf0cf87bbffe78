//! Access tokens by RFC 9068 (TK-01).

use jsonwebtoken::Header;
use thiserror::Error;
use wardgate_verify::AccessToken;

use crate::crypto::key_ring::SigningKey;

/// The media type of RFC 9068 in the header.
const TYPE: &str = "at+jwt";

/// The key in the ring is not a key of its algorithm.
#[derive(Debug, Error)]
#[error("the signing key {kid} cannot sign: {cause}")]
pub struct SignError {
    pub(super) kid: String,
    pub(super) cause: jsonwebtoken::errors::Error,
}

/// Signs a token.
pub fn sign(claims: &AccessToken, key: &SigningKey) -> Result<String, SignError> {
    let (algorithm, encoding_key) = key.encoding_key();
    let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &encoding_key).map_err(|cause| SignError { kid: key.kid.clone(), cause })
}
