//! The compact serialization of a JWS (RFC 7515 section 7.1) and its header, read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;

use crate::VerifyError;
use crate::members::Members;

/// Longest accepted token, in bytes. API Gateway caps all headers of a request together at 10 240 bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Longest accepted key identifier, in bytes.
const MAX_KID_BYTES: usize = 128;

/// Header parameters that bring a key along, change how the signature is computed, or ask for a feature we do not have.
/// Wardgate writes none of them, and ignoring one is how verifiers get fooled (TK-02).
const FORBIDDEN: [&str; 9] = ["crit", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip"];

/// A token taken apart. Its payload stays undecoded until [`Compact::payload`] is asked for it, after the signature.
pub(crate) struct Compact<'a> {
    pub(crate) header: Header,
    /// What was signed: header, dot, payload, as they were sent.
    pub(crate) signing_input: &'a str,
    /// Base64url of the signature, known to be canonical.
    pub(crate) signature: &'a str,
    payload: &'a str,
}

/// The header parameters of an access token.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: String,
}

impl<'a> Compact<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(VerifyError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(VerifyError::Malformed)?;
        if decode(signature)?.is_empty() || payload.is_empty() || payload.contains('.') {
            return Err(VerifyError::Malformed);
        }
        let header = Members::parse(&decode(header)?).ok_or(VerifyError::Malformed)?;
        Ok(Self { header: Header::read(header)?, signing_input, signature, payload })
    }

    /// The payload's claims. Call it once the signature has been verified, and not before.
    pub(crate) fn payload(&self) -> Result<Members, VerifyError> {
        Members::parse(&decode(self.payload)?).ok_or(VerifyError::Malformed)
    }
}

impl Header {
    fn read(mut members: Members) -> Result<Self, VerifyError> {
        if let Some(name) = FORBIDDEN.into_iter().find(|name| members.contains(name)) {
            return Err(VerifyError::HeaderNotAllowed(name));
        }
        let mut text = |name| members.take_text(name).map_err(|_| VerifyError::Malformed);
        let algorithm =
            text("alg")?.as_deref().and_then(supported_algorithm).ok_or(VerifyError::UnsupportedAlgorithm)?;
        if !text("typ")?.is_some_and(|typ| is_access_token_type(&typ)) {
            return Err(VerifyError::WrongType);
        }
        let kid = text("kid")?.ok_or(VerifyError::MissingKid)?;
        if !is_kid(&kid) {
            return Err(VerifyError::Malformed);
        }
        Ok(Self { algorithm, kid })
    }
}

/// The algorithms a key can be pinned to. No other name is ever looked at, least of all `none` and `HS256`.
pub(crate) fn supported_algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// A kid is opaque and bounded (TK-03): visible ASCII cannot break a log line either.
pub(crate) fn is_kid(kid: &str) -> bool {
    (1..=MAX_KID_BYTES).contains(&kid.len()) && kid.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 9068 section 4. An ID token says `JWT`, or nothing.
fn is_access_token_type(typ: &str) -> bool {
    typ.eq_ignore_ascii_case("at+jwt") || typ.eq_ignore_ascii_case("application/at+jwt")
}

/// Canonical base64url: no padding and no trailing bits, so that one token has one spelling.
fn decode(part: &str) -> Result<Vec<u8>, VerifyError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| VerifyError::Malformed)
}
