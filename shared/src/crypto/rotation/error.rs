//! Why a rotation does not go on.

use thiserror::Error;

use crate::crypto::rotation::NotGenerated;
use crate::entropy::NoEntropy;

/// Why there is no next ring.
#[derive(Debug, Error)]
pub enum RingError {
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// No signing key.
    #[error(transparent)]
    NotGenerated(#[from] NotGenerated),
    /// A wrapping key is not taken out: rows that it sealed could never be opened again (PW-02).
    #[error("a key that wraps what the table keeps is never retired")]
    NeverRetired,
}

/// Why a step is not done. The next rotation begins anew.
#[derive(Debug, Error)]
pub enum RotationError {
    /// Not the secret of a ring that gets new keys.
    #[error("this is no ring that rotates")]
    NotARing,
    /// The version is not, or no longer, the one that a rotation makes.
    #[error("this version is not being made: the rotation is over, or another one took its place")]
    Stale,
    /// An earlier step has not been.
    #[error("this version has no value: createSecret was not done")]
    NotMade,
    /// So much time has passed that the next key would sign before everybody knows it (TK-04).
    #[error("this version was made too long ago to be used: the next rotation makes another")]
    TooLate,
    /// A key does not do what it is for.
    #[error("the key {0} does not work, or nobody could verify what it makes")]
    Unsound(String),
    /// No key of a use would sign.
    #[error("the ring would have no key that signs now")]
    NoSigner,
    /// There is no next ring.
    #[error(transparent)]
    Ring(#[from] RingError),
}
