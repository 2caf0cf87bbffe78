//! Strict verification of Wardgate access tokens (RFC 9068), for Wardgate itself and for the services behind it.
//!
//! No network, no clock, no runtime, no environment: the caller fetches the key set and says what time it is.
//!
//! ```
//! use wardgate_verify::{KeySet, Verifier, VerifyError};
//!
//! # let jwks: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/example.jwks.json"));
//! # let token = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/example.jwt")).trim_end();
//! // Once: `jwks` is what the issuer publishes, and is worth keeping between requests.
//! let keys = KeySet::parse(jwks)?;
//! let verifier = Verifier::new("https://auth.example.com", ["https://api.example.com"])?
//!     .require_scopes(["orders:read"])?;
//!
//! // Each request: `token` is what follows `Bearer ` in its Authorization header.
//! let now = 1_800_000_060; // seconds since 1970, from the clock of your choice
//! let access = verifier.verify(&keys, token, now)?;
//! assert_eq!(access.sub, "user-1");
//! assert!(access.has_scope("orders:read"));
//!
//! // Fifteen minutes later it is no longer good.
//! let late = verifier.verify(&keys, token, now + 900);
//! assert!(matches!(late, Err(VerifyError::Expired { .. })));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Checks run in this order: shape and header, key, signature, claims. A key is pinned to the one algorithm it was
//! published with; a token's `alg` can only agree or be refused (TK-02). Answer every failure but
//! [`VerifyError::MissingScope`] alike, and refetch the key set on [`VerifyError::UnknownKey`], at most once a minute (TK-03).

mod access_token;
mod error;
mod jws;
mod key_set;
mod members;
pub mod provider;
mod verifier;

pub use access_token::AccessToken;
pub use error::{KeySetError, VerifierError, VerifyError};
pub use key_set::KeySet;
pub use verifier::Verifier;

#[cfg(test)]
mod signed;
