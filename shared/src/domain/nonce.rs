//! What makes the tokens of one item unguessable.

use serde::{Deserialize, Serialize};

use crate::domain::{from_hex, hex};

/// 128 random bits of one item, in hex. Only who has both the item and a key of the mail ring can make its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// From random bits.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(hex(&bytes))
    }

    /// The bytes that a token carries.
    pub fn to_bytes(&self) -> [u8; 16] {
        from_hex(&self.0)
    }

    /// 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
