//! Where clients run.

use serde::{Deserialize, Serialize};

/// Where a client runs (RFC 6749, 2.1; RFC 8252).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// On a server, which keeps a secret.
    Web,
    /// In a browser. It keeps no secret.
    Spa,
    /// On a person's device. It keeps no secret.
    Native,
    /// An API that asks about tokens, and signs nobody in (RFC 7662). It keeps a secret.
    ResourceServer,
}

impl ClientKind {
    /// Whether it keeps a secret, by which it is known.
    pub fn has_secrets(self) -> bool {
        matches!(self, Self::Web | Self::ResourceServer)
    }

    /// Whether people sign in to it.
    pub fn signs_people_in(self) -> bool {
        self != Self::ResourceServer
    }
}
