//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, 2.4).

use jsonwebtoken::Header;
use serde::Serialize;
use serde_json::{Value, json};

use crate::crypto::access_token::SignError;
use crate::crypto::key_ring::SigningKey;

/// What its `typ` is, so that nothing else takes it for a token of its own kind, nor it for one.
const TYPE: &str = "logout+jwt";
/// What it says that has happened.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// The claims. There is never a `nonce`: an ID token may have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogoutToken {
    /// The issuer's URL.
    pub iss: String,
    /// The client, and nobody else.
    pub aud: String,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970: from then on it is nobody's business.
    pub exp: i64,
    /// Its own id.
    pub jti: String,
    /// The user.
    pub sub: String,
    /// The session, as this client knows it; none where all of the user's have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// [`events`].
    pub events: Value,
}

/// The member that makes a JWT a logout token.
pub fn events() -> Value {
    json!({ EVENT: {} })
}

/// Signs a token.
pub fn sign(claims: &LogoutToken, key: &SigningKey) -> Result<String, SignError> {
    let (algorithm, encoding_key) = key.encoding_key();
    let header = Header { typ: Some(TYPE.to_owned()), kid: Some(key.kid.clone()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, &encoding_key).map_err(|cause| SignError { kid: key.kid.clone(), cause })
}
