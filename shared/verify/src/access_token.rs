//! The claims of an access token (RFC 9068) and how they are read.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::members::{Members, WrongType};

/// The claims of an access token (TK-01, RFC 9068 section 2.2).
///
/// All times are `NumericDate`: whole seconds since 1970-01-01T00:00:00Z.
///
/// [`Verifier::verify`](crate::Verifier::verify) is what makes one trustworthy. `Deserialize` reads the same claims with
/// the same strictness, but proves nothing about who wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Members")]
pub struct AccessToken {
    /// The issuer's URL, compared byte for byte.
    pub iss: String,
    /// The user, or the client itself in a client-credentials token.
    pub sub: String,
    /// The services the token is for; never empty. A lone string is read as a list of one.
    pub aud: Vec<String>,
    /// The first second at which the token is no longer valid.
    pub exp: i64,
    /// When the token was issued.
    pub iat: i64,
    /// The first second at which the token is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The token's own identifier.
    pub jti: String,
    /// The client the token was issued to.
    pub client_id: String,
    /// Granted scopes, single spaces between them (RFC 6749 section 3.3). Empty when none was granted.
    pub scope: String,
    /// The session; absent from tokens of OAuth clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// What a person lets an OAuth client have; absent from first-party tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gid: Option<String>,
    /// When the user last authenticated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How the user authenticated (RFC 8176).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// How sure that makes the issuer (RFC 9470): `urn:wardgate:1fa`, `urn:wardgate:2fa` or `phr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The user's roles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
}

/// Claims are not those of an access token. Names the claim, never its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum ClaimError {
    #[error("missing claim: {0}")]
    Missing(&'static str),
    #[error("invalid claim: {0}")]
    Invalid(&'static str),
}

impl AccessToken {
    /// Whether exactly this scope was granted. Scopes are case-sensitive; one with a space in it never matches.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        !scope.is_empty() && self.scope.split(' ').any(|granted| granted == scope)
    }
}

impl TryFrom<Members> for AccessToken {
    type Error = ClaimError;

    fn try_from(mut members: Members) -> Result<Self, Self::Error> {
        let from = &mut members;
        Ok(Self {
            iss: text(from, "iss")?,
            sub: text(from, "sub")?,
            aud: audiences(from)?,
            exp: required(from, "exp", time)?,
            iat: required(from, "iat", time)?,
            nbf: optional(from, "nbf", time)?,
            jti: text(from, "jti")?,
            client_id: text(from, "client_id")?,
            scope: required(from, "scope", scope)?,
            sid: from.take_text("sid").map_err(|WrongType| ClaimError::Invalid("sid"))?,
            gid: from.take_text("gid").map_err(|WrongType| ClaimError::Invalid("gid"))?,
            auth_time: optional(from, "auth_time", time)?,
            amr: optional(from, "amr", texts)?.unwrap_or_default(),
            acr: from.take_text("acr").map_err(|WrongType| ClaimError::Invalid("acr"))?,
            roles: optional(from, "roles", texts)?.unwrap_or_default(),
        })
    }
}

type Read<T> = fn(Value) -> Option<T>;

fn optional<T>(from: &mut Members, name: &'static str, read: Read<T>) -> Result<Option<T>, ClaimError> {
    from.remove(name).map(|value| read(value).ok_or(ClaimError::Invalid(name))).transpose()
}

fn required<T>(from: &mut Members, name: &'static str, read: Read<T>) -> Result<T, ClaimError> {
    optional(from, name, read)?.ok_or(ClaimError::Missing(name))
}

fn text(from: &mut Members, name: &'static str) -> Result<String, ClaimError> {
    from.take_text(name).map_err(|WrongType| ClaimError::Invalid(name))?.ok_or(ClaimError::Missing(name))
}

/// RFC 7519 section 4.1.3: a list, or a lone string. An empty one is for nobody and counts as missing (TK-07).
fn audiences(from: &mut Members) -> Result<Vec<String>, ClaimError> {
    let list = required(from, "aud", |value| match value {
        Value::String(one) => texts(Value::Array(vec![Value::String(one)])),
        other => texts(other),
    })?;
    if list.is_empty() { Err(ClaimError::Missing("aud")) } else { Ok(list) }
}

/// Whole seconds, not before 1970: a fraction would have to be rounded, and rounding moves a boundary.
fn time(value: Value) -> Option<i64> {
    let Value::Number(number) = value else {
        return None;
    };
    number.as_i64().filter(|seconds| *seconds >= 0)
}

fn texts(value: Value) -> Option<Vec<String>> {
    let Value::Array(items) = value else {
        return None;
    };
    items
        .into_iter()
        .map(|item| match item {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => None,
        })
        .collect()
}

/// RFC 6749 section 3.3, so that no separator but one space can hide a scope or make one up.
fn scope(value: Value) -> Option<String> {
    let Value::String(text) = value else {
        return None;
    };
    let token = |part: &str| !part.is_empty() && part.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e));
    (text.is_empty() || text.split(' ').all(token)).then_some(text)
}

#[cfg(test)]
mod tests;
