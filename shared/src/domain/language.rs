//! The languages that mails and pages are written in.

use serde::{Deserialize, Serialize};

/// A language, by its BCP 47 tag.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// The one that an `Accept-Language` header asks for (RFC 9110, 12.5.4).
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        if accept_language.is_some_and(|header| header.starts_with("de")) { Self::German } else { Self::English }
    }
}
