//! Which of our own failures a client may try again after.

use crate::crypto::password_hasher::HashError;
use crate::fault::Fault;
use crate::http::problem::Problem;
use crate::secrets::SecretsError;
use crate::store::error::StoreError;
use crate::telemetry::metrics::{self, Shed};
use crate::use_cases::mailed_link::LinkError;

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Hash(HashError::QueueFull) => {
                metrics::shed(Shed::Hashing);
                Self::unavailable(fault)
            }
            Fault::Store(StoreError::Unavailable(_))
            | Fault::Secrets(
                SecretsError::Unavailable { .. } | SecretsError::NoSource | SecretsError::Conflict { .. },
            )
            | Fault::NoCurrentKey(_)
            | Fault::Outbound(_) => Self::unavailable(fault),
            Fault::StandsBy(_) => Self::standby(),
            Fault::Store(StoreError::Refused(_) | StoreError::Unreadable(_) | StoreError::Incomplete(_))
            | Fault::Secrets(
                SecretsError::Malformed { .. }
                | SecretsError::Refused { .. }
                | SecretsError::Exposed { .. }
                | SecretsError::Full { .. },
            )
            | Fault::Hash(
                HashError::Argon2(_) | HashError::MalformedHash | HashError::Foreign(_) | HashError::Interrupted,
            )
            | Fault::Wrap(_)
            | Fault::Sign(_)
            | Fault::Rotation(_)
            | Fault::NoEntropy(_)
            | Fault::Smoke => Self::internal(fault),
        }
    }
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::InvalidLink => Self::invalid_link(),
            LinkError::Fault(fault) => fault.into(),
        }
    }
}
