//! What guards a customer's own HTTP API.

use serde::Deserialize;

use crate::domain::factors::{PHISHING_RESISTANT, TWO_FACTORS};

/// The `authorizer` function, which guards a customer's own HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Authorizer {
    /// The API that tokens must be for (TK-06). The function does not start without.
    pub audience: Option<String>,
    /// Scopes that a token must have, all of them.
    pub required_scopes: Vec<String>,
    /// How sure a token has to be of its user, at least (RFC 9470): what `acr` says.
    pub required_acr: RequiredAcr,
    /// Whether each request asks the table if the session still lives: two reads, and signing out is immediate.
    pub check_live_session: bool,
    /// As the API's authorizer is set up.
    pub response: AuthorizerResponse,
}

/// The least that the authorizer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum RequiredAcr {
    /// Everything.
    #[serde(rename = "urn:wardgate:1fa")]
    OneFactor,
    /// Two factors, of whichever kind.
    #[serde(rename = "urn:wardgate:2fa")]
    TwoFactors,
    /// A passkey among them.
    #[serde(rename = "phr")]
    PhishingResistant,
}

impl RequiredAcr {
    /// What `acr` may be; nothing is demanded of it where there is none.
    pub const fn accepted(self) -> &'static [&'static str] {
        match self {
            Self::OneFactor => &[],
            Self::TwoFactors => &[TWO_FACTORS, PHISHING_RESISTANT],
            Self::PhishingResistant => &[PHISHING_RESISTANT],
        }
    }
}

/// How the authorizer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum AuthorizerResponse {
    /// `isAuthorized`.
    Simple,
    /// A policy for the route.
    Iam,
}
