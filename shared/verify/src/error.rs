//! Why a token, a key set or a configuration was refused.

use thiserror::Error;

use crate::AccessToken;

/// Why a token was refused. Texts are constants: none echoes anything out of the token.
///
/// Answer a client with one and the same status for all of them but [`VerifyError::MissingScope`] (RFC 6750 section 3.1), and
/// say of [`VerifyError::InsufficientUserAuthentication`] what was demanded (RFC 9470 section 3); the variants are for logs,
/// metrics and refetching keys.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Not a compact JWS of canonical base64url and JSON objects with unique names, or a header parameter has the wrong type.
    #[error("malformed token")]
    Malformed,
    /// Longer than 8 KiB.
    #[error("token too long")]
    TooLong,
    /// `alg` is absent or not one of RS256, ES256 and EdDSA (TK-02).
    #[error("unsupported algorithm")]
    UnsupportedAlgorithm,
    /// `alg` is not the one its key is pinned to (TK-02).
    #[error("algorithm does not match the key")]
    AlgorithmMismatch,
    /// The header has the named parameter, which no access token may carry (TK-02).
    #[error("header parameter not allowed: {0}")]
    HeaderNotAllowed(&'static str),
    /// `typ` is neither `at+jwt` nor `application/at+jwt` (TK-01); an ID token ends here.
    #[error("not an access token")]
    WrongType,
    /// The header names no key.
    #[error("no key identifier")]
    MissingKid,
    /// The key is not in the set. The caller may fetch the set anew, at most once a minute (TK-03).
    #[error("unknown key")]
    UnknownKey {
        /// The key's identifier as the token gave it: 1 to 128 visible ASCII characters, not authenticated.
        kid: String,
    },
    /// The signature is not the key's.
    #[error("bad signature")]
    BadSignature,
    /// The named claim is absent (TK-07).
    #[error("missing claim: {0}")]
    MissingClaim(&'static str),
    /// The named claim has the wrong type or an impossible value.
    #[error("invalid claim: {0}")]
    InvalidClaim(&'static str),
    /// From another issuer.
    #[error("wrong issuer")]
    WrongIssuer,
    /// For other audiences.
    #[error("wrong audience")]
    WrongAudience,
    /// `iat` or `nbf` is in the future by more than the leeway.
    #[error("token not yet valid")]
    NotYetValid,
    /// A required scope was not granted.
    #[error("missing scope")]
    MissingScope,
    /// Its `acr` is none of those demanded: the user has to show more.
    #[error("insufficient user authentication")]
    InsufficientUserAuthentication,
    /// Right in everything but that its time is over. Signing out may still act on it; nothing else should.
    #[error("token expired")]
    Expired {
        /// The authenticated claims.
        token: Box<AccessToken>,
    },
}

/// Why a key set was refused. Names the key, never shows its material.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// Not a JSON object with an array `keys` of objects with unique names (RFC 7517 section 5).
    #[error("malformed key set")]
    Malformed,
    /// Longer than 64 KiB.
    #[error("key set too long")]
    TooLong,
    /// A key has no identifier of 1 to 128 visible ASCII characters (TK-03).
    #[error("key {index} has no usable kid")]
    InvalidKid {
        /// Its place in `keys`, from zero.
        index: usize,
    },
    /// Two keys share an identifier, so that it would not pin one algorithm (TK-02).
    #[error("duplicate kid {kid}")]
    DuplicateKid {
        /// The identifier.
        kid: String,
    },
    /// A private or symmetric key has been published (TK-05). Retire it.
    #[error("key {index} has private members")]
    PrivateKey {
        /// Its place in `keys`, from zero.
        index: usize,
    },
    /// A key of a supported algorithm is unusable.
    #[error("key {kid}: {reason}")]
    InvalidKey {
        /// The identifier.
        kid: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// Why a [`Verifier`](crate::Verifier) could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum VerifierError {
    /// The issuer is empty (TK-07).
    #[error("no issuer")]
    NoIssuer,
    /// There is no audience, or an empty one (TK-06).
    #[error("no audience")]
    NoAudience,
    /// More than five seconds (TK-07).
    #[error("leeway too long")]
    LeewayTooLong,
    /// A required scope is empty or has a space in it, so that no token could ever have it.
    #[error("impossible scope")]
    ImpossibleScope,
    /// A value for `acr` is empty or has a space in it.
    #[error("impossible acr")]
    ImpossibleAcr,
}
