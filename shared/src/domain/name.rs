//! The name that a person gives themselves.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// The most code points a name may have.
pub const MAX_NAME: usize = 100;

/// A display name: NFC, trimmed, without control characters, 1 to [`MAX_NAME`] code points.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DisplayName(String);

/// Why a string is not a name that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing but white space.
    #[error("leave the name out instead of sending an empty one")]
    Empty,
    /// Over [`MAX_NAME`] code points.
    #[error("a name has at most {MAX_NAME} characters")]
    TooLong,
    /// Line breaks and other control characters, which would let a name forge lines in mails.
    #[error("a name has no line breaks or other control characters")]
    ControlCharacter,
}

impl DisplayName {
    /// Reads a name.
    pub fn parse(raw: &str) -> Result<Self, InvalidName> {
        if raw.chars().count() > 4 * MAX_NAME {
            return Err(InvalidName::TooLong);
        }
        let name: String = raw.trim().nfc().collect();
        if name.is_empty() {
            Err(InvalidName::Empty)
        } else if name.chars().count() > MAX_NAME {
            Err(InvalidName::TooLong)
        } else if name.chars().any(is_control) {
            Err(InvalidName::ControlCharacter)
        } else {
            Ok(Self(name))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line separators, and the marks that reorder the text around them.
fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' | '\u{200e}' | '\u{200f}')
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisplayName(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_bounded_and_free_of_control_characters() {
        assert_eq!(DisplayName::parse("  Ada Lovelace ").map(|n| n.as_str().to_owned()).as_deref(), Ok("Ada Lovelace"));
        assert_eq!(DisplayName::parse(" \t "), Err(InvalidName::Empty));
        assert_eq!(DisplayName::parse("Ada\nBcc: x"), Err(InvalidName::ControlCharacter));
        assert_eq!(DisplayName::parse("Ada\u{202e}"), Err(InvalidName::ControlCharacter));
        assert!(DisplayName::parse(&"ä".repeat(MAX_NAME)).is_ok());
        assert_eq!(DisplayName::parse(&"ä".repeat(MAX_NAME + 1)), Err(InvalidName::TooLong));
    }
}
