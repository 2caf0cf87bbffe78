//! What can go wrong on our side of any use case.

use thiserror::Error;

use crate::crypto::access_token::SignError;
use crate::crypto::key_ring::NoCurrentKey;
use crate::crypto::password_hasher::HashError;
use crate::crypto::rotation::error::RotationError;
use crate::crypto::wrap::WrapError;
use crate::domain::writer::StandsBy;
use crate::entropy::NoEntropy;
use crate::outbound::OutboundError;
use crate::secrets::SecretsError;
use crate::store::error::StoreError;

/// The service could not do its part. The caller's request may be perfectly good.
#[derive(Debug, Error)]
pub enum Fault {
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key rings.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// Hashing.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// Wrapping of secrets.
    #[error(transparent)]
    Wrap(#[from] WrapError),
    /// Signing.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// Making new keys.
    #[error(transparent)]
    Rotation(#[from] RotationError),
    /// A ring without a key for now.
    #[error(transparent)]
    NoCurrentKey(#[from] NoCurrentKey),
    /// No randomness.
    #[error(transparent)]
    NoEntropy(#[from] NoEntropy),
    /// A service outside. Of those use cases that have no error of their own for it.
    #[error(transparent)]
    Outbound(OutboundError),
    /// Another region writes.
    #[error(transparent)]
    StandsBy(#[from] StandsBy),
    /// The smoke test did not pass. Its own line of the log says where.
    #[error("the smoke test did not pass")]
    Smoke,
}

/// Lets `?` take any part's error straight to a use case's enum that has a `Fault` arm.
macro_rules! fault_arm {
    ($error:ty) => {
        impl<E> From<E> for $error
        where
            E: Into<$crate::fault::Fault>,
        {
            fn from(error: E) -> Self {
                Self::Fault(error.into())
            }
        }
    };
}
pub(crate) use fault_arm;
