//! Resources: the APIs that clients ask access tokens for (RFC 8707), and the item that the table has of one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::hex;
use crate::domain::oauth::scope::{STANDARD, is_scope};
use crate::domain::oauth::token_algorithm::TokenAlgorithm;
use crate::domain::oauth::words::{InvalidWords, check_words};

/// The most bytes of a resource's URI.
const MAX_URI: usize = 300;
/// How long an access token may live, in seconds (SE-01).
const ACCESS_SECONDS: std::ops::RangeInclusive<u32> = 60..=3600;

/// What a resource is called in requests and in its tokens' `aud`: an absolute URI without a fragment (RFC 8707, 2), in the
/// spelling that was registered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResourceUri(String);

/// A string that is no [`ResourceUri`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "a resource is an absolute URI such as https://api.example.com, of at most {MAX_URI} visible ASCII characters, without #"
)]
pub struct InvalidResourceUri;

impl ResourceUri {
    /// Reads a URI. A lone slash after the host counts as none: clients send either.
    pub fn parse(text: &str) -> Result<Self, InvalidResourceUri> {
        let is_visible = |byte: u8| byte.is_ascii_graphic() && !b"#\\\"<>^`{|}*".contains(&byte);
        let (scheme, rest) = text.split_once(':').ok_or(InvalidResourceUri)?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
        if text.len() > MAX_URI || !text.bytes().all(is_visible) || !is_scheme || rest.is_empty() || rest == "//" {
            return Err(InvalidResourceUri);
        }
        Ok(Self(text.to_owned()))
    }

    /// As it was registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What its item lies under: the SHA-256, in hex, of the URI without a lone slash after its host.
    pub fn hash(&self) -> String {
        let text = match self.0.split_once("://") {
            Some((_, rest)) if rest.find(['/', '?']) == Some(rest.len() - 1) => self.0.trim_end_matches('/'),
            _ => self.0.as_str(),
        };
        hex(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref())
    }
}

impl TryFrom<String> for ResourceUri {
    type Error = InvalidResourceUri;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ResourceUri> for String {
    fn from(uri: ResourceUri) -> Self {
        uri.0
    }
}

/// A resource as a stage's file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRegistration {
    /// Its tokens' audience.
    pub uri: ResourceUri,
    /// What people read, by language; `en` is there.
    pub name: BTreeMap<String, String>,
    /// Its scopes, each in words by language.
    #[serde(default)]
    pub scopes: BTreeMap<String, BTreeMap<String, String>>,
    /// How its access tokens are signed.
    #[serde(default)]
    pub algorithm: TokenAlgorithm,
    /// How long its access tokens live.
    #[serde(default = "five_minutes")]
    pub access_seconds: u32,
}

fn five_minutes() -> u32 {
    300
}

/// The item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// What the file says.
    #[serde(flatten)]
    pub registration: ResourceRegistration,
    /// Whether it is out of use: it is gone from the file.
    #[serde(default)]
    pub disabled: bool,
    /// Grows with each change.
    pub version: u64,
}

/// Why a resource cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidResource {
    /// What people are to read is not there, or unreadable.
    #[error("name: {0}")]
    Name(InvalidWords),
    /// RFC 6749, 3.3.
    #[error("scopes: {0:?} is none: visible ASCII characters without \" and \\")]
    Scope(String),
    /// Those of OpenID Connect mean the same everywhere.
    #[error("scopes: {0} is OpenID Connect's own")]
    StandardScope(String),
    /// What people are to read of a scope is not there, or unreadable.
    #[error("scopes: {0}: {1}")]
    ScopeWords(String, InvalidWords),
    /// Out of its range.
    #[error("access_seconds: 60 to 3600")]
    AccessSeconds,
}

impl ResourceRegistration {
    /// Whether it can be registered.
    pub fn check(&self) -> Result<(), InvalidResource> {
        check_words(&self.name).map_err(InvalidResource::Name)?;
        for (scope, words) in &self.scopes {
            if !is_scope(scope) {
                return Err(InvalidResource::Scope(scope.clone()));
            }
            if STANDARD.contains(&scope.as_str()) {
                return Err(InvalidResource::StandardScope(scope.clone()));
            }
            check_words(words).map_err(|why| InvalidResource::ScopeWords(scope.clone(), why))?;
        }
        if !ACCESS_SECONDS.contains(&self.access_seconds) {
            return Err(InvalidResource::AccessSeconds);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lone_slash_after_the_host_counts_as_none() {
        let hash = |text: &str| ResourceUri::parse(text).unwrap().hash();
        assert_eq!(hash("https://api.example.com"), hash("https://api.example.com/"));
        assert_eq!(ResourceUri::parse("https://api.example.com/").unwrap().as_str(), "https://api.example.com/");
        for (one, other) in [
            ("https://api.example.com/a", "https://api.example.com/a/"),
            ("https://api.example.com//", "https://api.example.com/"),
            ("https://api.example.com?a=/", "https://api.example.com?a="),
            ("https://API.example.com", "https://api.example.com"),
            ("urn:example:api/", "urn:example:api"),
        ] {
            assert_ne!(hash(one), hash(other), "{one}");
        }
    }

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for uri in ["https://api.example.com/v1?tenant=a", "urn:example:api", "http://localhost:9000"] {
            assert!(ResourceUri::parse(uri).is_ok(), "{uri}");
        }
        let long = format!("https://{}", "a".repeat(MAX_URI));
        for uri in ["", "api", "https:", "https://", "https://a#b", "https://a b", "HTTPS://a", "//a", &long] {
            assert!(ResourceUri::parse(uri).is_err(), "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_registered_names_its_member() {
        let check = |lines: &str| {
            let text = format!("uri = \"https://api.example.com\"\nname = {{ en = \"Orders\" }}\n{lines}");
            let resource: ResourceRegistration = toml::from_str(&text).unwrap();
            resource.check().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(check("scopes.\"orders:read\" = { en = \"Read your orders\" }"), "");
        assert!(check("scopes.openid = { en = \"x\" }").contains("own"));
        assert!(check("scopes.\"a b\" = { en = \"x\" }").starts_with("scopes: \"a b\""));
        assert!(check("scopes.read = { de = \"x\" }").starts_with("scopes: read: en is missing"));
        for seconds in ["59", "3601"] {
            assert_eq!(check(&format!("access_seconds = {seconds}")), "access_seconds: 60 to 3600");
        }
    }
}
