//! What people read of clients, resources and scopes, by language.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::domain::name::{DisplayName, InvalidName};

/// Why words for people are none.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidWords {
    /// English is what others fall back on.
    #[error("en is missing")]
    English,
    /// Not a name that we show.
    #[error("{0}: {1}")]
    Name(String, InvalidName),
}

/// Whether words for people are there, in English at least.
pub(super) fn check_words(words: &BTreeMap<String, String>) -> Result<(), InvalidWords> {
    if !words.contains_key("en") {
        return Err(InvalidWords::English);
    }
    for (language, text) in words {
        DisplayName::parse(text).map_err(|why| InvalidWords::Name(language.clone(), why))?;
    }
    Ok(())
}
