//! ID tokens (OpenID Connect Core 1.0, 2). They have no `nbf`, and an `iat` that is never ahead: clients whose clock is slow
//! would refuse them (OC-33).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Header, Validation};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::crypto::access_token::SignError;
use crate::crypto::key_ring::{PublicKey, Ring, SigningKey};

/// The claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdToken {
    /// The issuer's URL.
    pub iss: String,
    /// The user.
    pub sub: String,
    /// The client, and nobody else.
    pub aud: String,
    /// Seconds since 1970: from then on it proves nothing.
    pub exp: i64,
    /// Seconds since 1970.
    pub iat: i64,
    /// When the person signed in, in seconds since 1970.
    pub auth_time: i64,
    /// What the client sent along.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How sure we are: [`crate::domain::factors::acr`].
    pub acr: &'static str,
    /// How the person signed in (RFC 8176).
    pub amr: Vec<String>,
    /// The session, as this client knows it.
    pub sid: String,
    /// [`at_hash`].
    pub at_hash: String,
    /// What the userinfo endpoint says, for clients that never ask.
    #[serde(flatten)]
    pub claims: serde_json::Map<String, serde_json::Value>,
}

/// Signs a token. Its `typ` keeps it apart from an access token (TK-02).
pub fn sign(claims: &IdToken, key: &SigningKey) -> Result<String, SignError> {
    let (algorithm, encoding_key) = key.encoding_key();
    let header = Header { kid: Some(key.kid.clone()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &encoding_key).map_err(|cause| SignError { kid: key.kid.clone(), cause })
}

/// What an ID token says that a client shows again, to have its person signed out.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IdTokenHint {
    /// The person.
    pub sub: String,
    /// The client.
    pub aud: String,
    /// The session, as that client knows it.
    pub sid: String,
}

/// A token that is no ID token of ours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not an ID token of this issuer")]
pub enum InvalidHint {
    /// It is none, or somebody has changed it.
    Forged,
    /// It is of a key that is no longer here: what it says may be so, and proves nothing.
    OldKey(IdTokenHint),
}

/// Reads an ID token of ours, however old: it is shown when its session ends (OpenID Connect RP-Initiated Logout 1.0, 2).
pub fn read_hint(token: &str, issuer: &str, keys: &Ring<PublicKey>) -> Result<IdTokenHint, InvalidHint> {
    let forged = || InvalidHint::Forged;
    let header = jsonwebtoken::decode_header(token).map_err(|_| forged())?;
    // An access token is none (TK-02).
    if header.typ.as_deref().is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(forged());
    }
    let kid = header.kid.ok_or_else(forged)?;
    let Some(key) = keys.keys.iter().find(|key| key.kid() == kid) else {
        return Err(unverified_hint(token).map_or_else(forged, InvalidHint::OldKey));
    };
    if key.jwk.get("alg") != Some(&serde_json::to_value(header.alg).map_err(|_| forged())?) {
        return Err(forged());
    }
    let jwk: Jwk = serde_json::from_value(key.jwk.clone()).map_err(|_| forged())?;
    let decoding_key = DecodingKey::from_jwk(&jwk).map_err(|_| forged())?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.set_required_spec_claims(&["iss", "aud"]);
    validation.set_issuer(&[issuer]);
    let decoded = jsonwebtoken::decode::<IdTokenHint>(token, &decoding_key, &validation);
    decoded.map(|token| token.claims).map_err(|_| forged())
}

/// What an ID token says, believed by nobody: where it can but take something away.
pub fn unverified_hint(token: &str) -> Option<IdTokenHint> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Binds an access token to the ID token that comes with it (OpenID Connect Core 1.0, 3.1.3.6): of both algorithms, the left
/// half of its SHA-256.
pub fn at_hash(access_token: &str) -> String {
    URL_SAFE_NO_PAD.encode(left_half(access_token.as_bytes()))
}

/// What a client knows a session by: the same each time, and another for each client. Nothing of it is stored.
pub fn session_id_for(session_id: &str, client_id: &str) -> String {
    URL_SAFE_NO_PAD.encode(left_half(format!("wardgate sid\n{session_id}\n{client_id}").as_bytes()))
}

fn left_half(text: &[u8]) -> [u8; 16] {
    digest(&SHA256, text).as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_tokens_hash_is_that_of_the_specification() {
        // OpenID Connect Core 1.0, A.3.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(at_hash(token), "77QmUPtjPfzWtF2AnpK9RQ");
    }

    #[test]
    fn a_session_has_another_name_for_each_client() {
        assert_eq!(session_id_for("ses_1", "a"), session_id_for("ses_1", "a"));
        assert_ne!(session_id_for("ses_1", "a"), session_id_for("ses_1", "b"));
        assert_ne!(session_id_for("ses_1", "a"), session_id_for("ses_2", "a"));
    }
}
