//! The cryptography behind `jsonwebtoken`: RS256, ES256 and EdDSA (Ed25519), signing and verifying, through ring alone.
//!
//! An issuer calls [`install`] once and then signs with `jsonwebtoken::encode`. It makes its `EncodingKey` from PKCS#8 DER
//! with `from_rsa_der`, `from_ec_der` or `from_ed_der`; `jsonwebtoken::jwk::Jwk::from_encoding_key` gives the public half
//! to publish. RSA keys have 2048 to 4096 bits and e = 65537 (TK-05); P-256 keys must hold their public key too, which
//! is how OpenSSL and ring write them.
//!
//! `jsonwebtoken` hands the provider a key for every signature. Parsing an RSA key costs about as much as signing, so the
//! last sixteen parsed keys are kept, under the SHA-256 of their DER. The DER itself is not kept. ring does not wipe the
//! numbers inside a parsed key when it is dropped; they live in process memory only.

use std::sync::OnceLock;

use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
use jsonwebtoken::{Algorithm, DecodingKey};

mod components;
mod signing;
mod verifying;

pub(crate) use verifying::is_acceptable_rsa_key;

static RING: CryptoProvider = CryptoProvider {
    signer_factory: signing::signer,
    verifier_factory: verifying::verifier,
    key_utils: KeyUtils {
        rsa_pub_components_from_private_key: components::rsa_from_private_key,
        rsa_pub_components_from_public_key: components::rsa_from_public_key,
        ec_pub_components_from_private_key: components::ec_from_private_key,
        ed_pub_components_from_private_key: components::ed_from_private_key,
        compute_digest: components::digest,
    },
};

/// Whose provider `jsonwebtoken` uses in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Installed {
    /// This crate's.
    Ours,
    /// Another, or the stub that panics, which takes the place for good if `jsonwebtoken` is used before any is installed.
    Foreign,
}

/// Makes this provider `jsonwebtoken`'s for the whole process, unless it has one.
///
/// Never panics, and may be called any number of times. [`Verifier`](crate::Verifier) works either way; an issuer should
/// refuse to start on [`Installed::Foreign`].
pub fn install() -> Installed {
    static OUTCOME: OnceLock<Installed> = OnceLock::new();
    *OUTCOME.get_or_init(|| match RING.install_default() {
        Ok(()) => Installed::Ours,
        Err(_) => Installed::Foreign,
    })
}

/// Whether `signature` (base64url) is the key's over `message`.
pub(crate) fn verify(signature: &str, message: &[u8], key: &DecodingKey, algorithm: Algorithm) -> bool {
    verify_as(install(), signature, message, key, algorithm)
}

/// What another crate in a customer's process installed, or broke, must not decide whether a token is good.
fn verify_as(installed: Installed, signature: &str, message: &[u8], key: &DecodingKey, algorithm: Algorithm) -> bool {
    match installed {
        Installed::Ours => jsonwebtoken::crypto::verify(signature, message, key, algorithm).unwrap_or(false),
        Installed::Foreign => verifying::verify(signature, message, key, algorithm).unwrap_or(false),
    }
}

#[cfg(test)]
mod tests;
