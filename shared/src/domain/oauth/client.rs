//! OAuth clients: what they are registered as, and the item that the table has of one.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::brand::Palettes;
use crate::domain::oauth::client_brand::{ClientBrand, InvalidBrand};
use crate::domain::oauth::client_kind::ClientKind;
use crate::domain::oauth::redirect_uri::{InvalidRedirectUri, RedirectUri};
use crate::domain::oauth::resource::ResourceUri;
use crate::domain::oauth::scope::is_scope;
use crate::domain::oauth::token_algorithm::TokenAlgorithm;
use crate::domain::oauth::words::{InvalidWords, check_words};
use crate::domain::timestamp::Timestamp;

/// The most redirect URIs, and the most origins, of a client.
const MAX_URIS: usize = 20;
/// The most secrets of a client that work at once: the one in use, and the one that follows it (OC-44).
pub const MAX_SECRETS: usize = 2;

/// What the ids of the smoke test's clients begin with (PL-08).
pub const SYNTHETIC_CLIENTS: &str = "wardgate-smoke-";

/// A client's public name in requests: 1 to 64 of `[A-Za-z0-9_-]`, so that no encoding changes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

/// A string that is no [`ClientId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a client's id is 1 to 64 letters, digits, _ and -")]
pub struct InvalidClientId;

impl ClientId {
    /// Reads an id.
    pub fn parse(text: &str) -> Result<Self, InvalidClientId> {
        let is_id = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        if is_id { Ok(Self(text.to_owned())) } else { Err(InvalidClientId) }
    }

    /// That of the client of a synthetic user.
    pub(in crate::domain) fn synthetic(number: u8) -> Self {
        Self(format!("{SYNTHETIC_CLIENTS}{number}"))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = InvalidClientId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

/// What a client may exchange for tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A code that a person's sign-in brought.
    AuthorizationCode,
    /// What a code was exchanged for.
    RefreshToken,
}

/// Whether a person is asked before a client gets something of theirs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// Yes.
    #[default]
    Required,
    /// No: the client is the service's own.
    None,
}

/// Whether a code needs a challenge (RFC 7636).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pkce {
    /// Yes.
    #[default]
    Required,
    /// Not of a client that has a secret and is older than RFC 7636; one that is sent still holds (OC-06).
    Legacy,
}

/// A client as a stage's file has it: without secrets. Every member is written, so that what was written says what there
/// is; but for the brand, which few clients have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientRegistration {
    /// What it is called in requests, and in its item's key.
    pub id: ClientId,
    /// Where it runs.
    pub kind: ClientKind,
    /// What people read, by language; `en` is there.
    pub name: BTreeMap<String, String>,
    /// Where responses may go. A resource server has none.
    #[serde(default)]
    pub redirect_uris: Vec<RedirectUri>,
    /// Where browsers may go once they are signed out (OpenID Connect RP-Initiated Logout 1.0, 3).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<RedirectUri>,
    /// Where its server is told that a session has ended (OpenID Connect Back-Channel Logout 1.0, 2.2).
    #[serde(default)]
    pub backchannel_logout_uri: Option<RedirectUri>,
    /// Origins whose pages may ask for tokens, beside those of its redirect URIs.
    #[serde(default)]
    pub allowed_origins: Vec<String>,
    /// What it may exchange for tokens.
    #[serde(default = "code_alone")]
    pub grants: BTreeSet<Grant>,
    /// The scopes that it may ask for.
    #[serde(default = "openid_alone")]
    pub scopes: BTreeSet<String>,
    /// The APIs that it may ask tokens for.
    #[serde(default)]
    pub resources: Vec<ResourceUri>,
    /// Whether people are asked.
    #[serde(default)]
    pub consent: Consent,
    /// Whether a challenge is needed.
    #[serde(default)]
    pub pkce: Pkce,
    /// How its ID tokens are signed.
    #[serde(default)]
    pub id_token_algorithm: TokenAlgorithm,
    /// Whether its ID tokens have what `userinfo` says, for software that never asks.
    #[serde(default)]
    pub claims_in_id_token: bool,
    /// What pages look like that lead to it.
    #[serde(default, skip_serializing_if = "ClientBrand::is_empty")]
    pub brand: ClientBrand,
}

fn code_alone() -> BTreeSet<Grant> {
    BTreeSet::from([Grant::AuthorizationCode])
}

fn openid_alone() -> BTreeSet<String> {
    BTreeSet::from(["openid".to_owned()])
}

/// A secret of a client, as far as the table knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// Names it, to drop it alone.
    pub id: String,
    /// Its SHA-256, in hex. It has 256 random bits, so that nothing slower is needed.
    pub sha256: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// What the file says.
    #[serde(flatten)]
    pub registration: ClientRegistration,
    /// At most [`MAX_SECRETS`], of which all work.
    #[serde(default)]
    pub secrets: Vec<ClientSecret>,
    /// Whether it is out of use: it is gone from the file.
    #[serde(default)]
    pub disabled: bool,
    /// Grows with each change.
    pub version: u64,
}

/// Why a client cannot be registered.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidClient {
    /// The smoke test makes clients of such names, and takes them away.
    #[error("id: names that begin with {0} are the smoke test's")]
    Reserved(&'static str),
    /// What people are to read is not there, or unreadable.
    #[error("name: {0}")]
    Name(#[from] InvalidWords),
    /// There is none, or too many.
    #[error("redirect_uris: a client has 1 to {MAX_URIS}, and at most as many post_logout_redirect_uris")]
    RedirectUris,
    /// It only asks about tokens.
    #[error("redirect_uris: a resource server signs nobody in, and has none")]
    ResourceServer,
    /// One that cannot be registered.
    #[error("redirect_uris: {0}: {1}")]
    RedirectUri(String, InvalidRedirectUri),
    /// One that cannot be asked.
    #[error("backchannel_logout_uri: {0}: {1}")]
    BackchannelLogoutUri(String, InvalidRedirectUri),
    /// It has no server that could be told.
    #[error("backchannel_logout_uri: only a client of kind web has a server that can be told")]
    BackchannelLogoutKind,
    /// Twice the same.
    #[error("redirect_uris: {0} stands twice")]
    RedirectUriTwice(String),
    /// Not as a browser sends it.
    #[error(
        "allowed_origins: {0}: expected an origin as browsers send it, such as https://app.example.com; at most {MAX_URIS}"
    )]
    Origin(String),
    /// RFC 6749, 3.3.
    #[error("scopes: {0:?} is none: visible ASCII characters without \" and \\")]
    Scope(String),
    /// Refresh tokens come of codes.
    #[error("grants: authorization_code is needed")]
    Grants,
    /// Who keeps no secret has nothing but the challenge.
    #[error("pkce: legacy is for clients of kind web")]
    Pkce,
    /// Pages that nobody could read, or a logo that is none.
    #[error(transparent)]
    Brand(#[from] InvalidBrand),
}

impl ClientRegistration {
    /// Whether an answer may go to this URI (OC-05).
    pub fn redirects_to(&self, requested: &str) -> bool {
        self.redirect_uris.iter().any(|own| own.matches(requested, self.kind))
    }

    /// Whether a browser may go to this URI once it is signed out, byte by byte.
    pub fn logs_out_to(&self, requested: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|own| own.matches(requested, self.kind))
    }

    /// Whether it can be registered. `in_development` is as of [`RedirectUri::parse`], `pages` are the service's colours.
    pub fn check(&self, in_development: bool, pages: &Palettes) -> Result<(), InvalidClient> {
        if self.id.as_str().starts_with(SYNTHETIC_CLIENTS) {
            return Err(InvalidClient::Reserved(SYNTHETIC_CLIENTS));
        }
        check_words(&self.name)?;
        self.brand.check(pages)?;
        self.check_uris(in_development)?;
        if let Some(uri) = &self.backchannel_logout_uri {
            if self.kind != ClientKind::Web {
                return Err(InvalidClient::BackchannelLogoutKind);
            }
            RedirectUri::parse(uri.as_str(), self.kind, in_development)
                .map_err(|why| InvalidClient::BackchannelLogoutUri(uri.as_str().to_owned(), why))?;
        }
        let is_origin = |text: &str| {
            let slashes = text.matches('/').count();
            slashes == 2 && !text.contains('?') && RedirectUri::parse(text, self.kind, in_development).is_ok()
        };
        if let Some(origin) = self.allowed_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(InvalidClient::Origin(origin.clone()));
        }
        if let Some(origin) = self.allowed_origins.get(MAX_URIS) {
            return Err(InvalidClient::Origin(origin.clone()));
        }
        if let Some(scope) = self.scopes.iter().find(|scope| !is_scope(scope)) {
            return Err(InvalidClient::Scope(scope.clone()));
        }
        if self.kind.signs_people_in() && !self.grants.contains(&Grant::AuthorizationCode) {
            return Err(InvalidClient::Grants);
        }
        if self.pkce == Pkce::Legacy && !self.kind.has_secrets() {
            return Err(InvalidClient::Pkce);
        }
        Ok(())
    }

    fn check_uris(&self, in_development: bool) -> Result<(), InvalidClient> {
        let (own, logout) = (&self.redirect_uris, &self.post_logout_redirect_uris);
        if !self.kind.signs_people_in() {
            return if own.is_empty() && logout.is_empty() { Ok(()) } else { Err(InvalidClient::ResourceServer) };
        }
        if own.is_empty() || own.len() > MAX_URIS || logout.len() > MAX_URIS {
            return Err(InvalidClient::RedirectUris);
        }
        for uris in [own, logout] {
            for (index, uri) in uris.iter().enumerate() {
                RedirectUri::parse(uri.as_str(), self.kind, in_development)
                    .map_err(|why| InvalidClient::RedirectUri(uri.as_str().to_owned(), why))?;
                if uris.iter().take(index).any(|before| before == uri) {
                    return Err(InvalidClient::RedirectUriTwice(uri.as_str().to_owned()));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
