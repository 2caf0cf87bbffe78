//! How tokens for clients are signed.

use serde::{Deserialize, Serialize};

/// By which algorithm tokens are signed for whoever asked for no other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenAlgorithm {
    /// What every library knows.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// Smaller and faster.
    #[serde(rename = "ES256")]
    Es256,
}
