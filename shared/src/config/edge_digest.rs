//! What is known of the edge's secrets.

use std::fmt;

use serde::Deserialize;

const EXPECTED: &str = "expected the SHA-256 of a secret of the edge: 64 hexadecimal digits in lower case";

/// The SHA-256 of a secret that the edge shows to its origin. It is none itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct EdgeDigest([u8; 32]);

/// Why a text is no [`EdgeDigest`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEdgeDigest;

impl fmt::Display for NoEdgeDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }
}

impl EdgeDigest {
    /// From 64 hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Result<Self, NoEdgeDigest> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 64 || !text.bytes().all(is_digit) {
            return Err(NoEdgeDigest);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or(NoEdgeDigest)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoEdgeDigest)?;
        }
        Ok(Self(bytes))
    }

    /// The digest.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for EdgeDigest {
    type Error = NoEdgeDigest;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}
