//! Secrets at rest: sealed with AES-256-GCM under a key that is never in the table (PW-02).

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::crypto::key_ring::{NoCurrentKey, Ring, WrapKey};
use crate::domain::credential::WrappedHash;
use crate::entropy::{Entropy, NoEntropy};

/// Why a secret could not be sealed or opened.
#[derive(Debug, Error)]
pub enum WrapError {
    /// The ring has no key for now.
    #[error(transparent)]
    NoCurrentKey(#[from] NoCurrentKey),
    /// The row names a key version that the ring does not have.
    #[error("no wrapping key of version {0}")]
    UnknownVersion(u32),
    /// The key is not 256 bits long.
    #[error("a wrapping key must be 256 bits long")]
    BadKey,
    /// The row was changed, or moved here from another user.
    #[error("a wrapped secret does not open with its key")]
    Damaged,
    /// No nonce could be drawn.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
}

/// Seals a secret. `belongs_to` says whose it is and what it is for: what is copied to another row does not open there.
pub(super) fn seal(
    secret: &[u8],
    belongs_to: &[u8],
    key: &WrapKey,
    entropy: &dyn Entropy,
) -> Result<WrappedHash, WrapError> {
    let nonce: [u8; NONCE_LEN] = entropy.bytes()?;
    let mut text = Zeroizing::new(secret.to_vec());
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(belongs_to), &mut text)
        .map_err(|_| WrapError::BadKey)?;
    Ok(WrappedHash { key_version: key.version, sealed: [&nonce, text.as_slice(), tag.as_ref()].concat() })
}

/// Opens what [`seal`] sealed for the same place.
pub(super) fn open(
    wrapped: &WrappedHash,
    belongs_to: &[u8],
    ring: &Ring<WrapKey>,
) -> Result<Zeroizing<Vec<u8>>, WrapError> {
    let key = ring.find(wrapped.key_version).ok_or(WrapError::UnknownVersion(wrapped.key_version))?;
    let (nonce, text) = wrapped.sealed.split_first_chunk::<NONCE_LEN>().ok_or(WrapError::Damaged)?;
    let mut text = Zeroizing::new(text.to_vec());
    let opened = cipher(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(belongs_to), &mut text)
        .map_err(|_| WrapError::Damaged)?;
    Ok(Zeroizing::new(opened.to_vec()))
}

fn cipher(key: &WrapKey) -> Result<LessSafeKey, WrapError> {
    UnboundKey::new(&AES_256_GCM, key.secret.expose()).map(LessSafeKey::new).map_err(|_| WrapError::BadKey)
}
