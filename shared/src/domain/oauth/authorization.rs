//! What a client asks a person's consent for (RFC 6749, 4.1.1; OpenID Connect Core 1.0, 3.1.2.1), read strictly once client
//! and redirect URI are known to belong together.

use std::collections::BTreeSet;

use crate::domain::factors::{PHISHING_RESISTANT, TWO_FACTORS};
use crate::domain::oauth::client::{ClientRegistration, Grant, Pkce};
use crate::domain::oauth::client_kind::ClientKind;
use crate::domain::oauth::parameters::Parameters;
use crate::domain::oauth::resource::ResourceUri;
use crate::domain::oauth::scope::OFFLINE_ACCESS;

/// What is looked at, and so may come once only.
const KNOWN: [&str; 19] = [
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "acr_values",
    "ui_locales",
    "request",
    "request_uri",
    "wg_flow",
    "display",
];
/// The most bytes of a nonce: it lies in the grant's item and in the ID token.
const MAX_NONCE: usize = 512;

/// Why a client's request is refused: told to the client, by its redirect URI (RFC 6749, 4.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthorizationError {
    /// `error`.
    pub code: &'static str,
    /// `error_description`, for developers.
    pub description: &'static str,
}

const fn error(code: &'static str, description: &'static str) -> AuthorizationError {
    AuthorizationError { code, description }
}

const fn invalid(description: &'static str) -> AuthorizationError {
    error("invalid_request", description)
}

/// `prompt` (OpenID Connect Core 1.0, 3.1.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Whatever is needed.
    WhatIsNeeded,
    /// No page may be shown.
    None,
    /// The person signs in, whether signed in or not.
    SignIn,
    /// The person gets an account, and signs in with it (Initiating User Registration via OpenID Connect 1.0).
    Create,
}

/// How an answer gets to the client (OAuth 2.0 Multiple Response Type Encoding Practices, 2.1; OAuth 2.0 Form Post Response
/// Mode, 2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// In the address.
    Query,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// What the request asks for.
    pub fn read(parameters: &Parameters) -> Result<Self, AuthorizationError> {
        match parameters.get("response_mode") {
            None | Some("query") => Ok(Self::Query),
            Some("form_post") => Ok(Self::FormPost),
            Some(_) => Err(invalid("response_mode is query or form_post")),
        }
    }
}

/// A request that can be answered, if its person is willing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// What is asked for, as far as the client may have it.
    pub scopes: BTreeSet<String>,
    /// The APIs that tokens are asked for.
    pub resources: Vec<ResourceUri>,
    /// The ID token repeats it.
    pub nonce: Option<String>,
    /// RFC 7636.
    pub challenge: Option<String>,
    /// Which pages may be shown.
    pub prompt: Prompt,
    /// Whether the person is asked, also about what was given before (`prompt=consent`).
    pub asks_again: bool,
    /// Whether the person presses something of ours before anything goes out: because the client has asked which account it is
    /// (`prompt=select_account`), or because whoever listens on a loopback port or takes a scheme for itself could be anybody
    /// (OC-22).
    pub confirms: bool,
    /// How many seconds ago the person may have signed in.
    pub max_age: Option<u64>,
    /// Whether two factors are asked for. Of whoever has but one, one is enough: `acr_values` is what a client would like, and the
    /// ID token says what it got (OpenID Connect Core 1.0, 3.1.2.1).
    pub two_factors: bool,
}

/// Whether `acr_values` names two factors, and not one as well.
pub fn asks_for_two(parameters: &Parameters) -> bool {
    let mut asked = parameters.get("acr_values").unwrap_or_default().split(' ').filter(|it| !it.is_empty()).peekable();
    asked.peek().is_some() && asked.all(|it| it == TWO_FACTORS || it == PHISHING_RESISTANT)
}

impl Authorization {
    /// Reads the parameters of a request of this client.
    pub fn read(parameters: &Parameters, client: &ClientRegistration) -> Result<Self, AuthorizationError> {
        if parameters.repeated(&KNOWN).is_some() {
            return Err(invalid("a parameter stands twice"));
        }
        if parameters.has("request") {
            return Err(error("request_not_supported", "request objects are not supported"));
        }
        if parameters.has("request_uri") {
            return Err(error("request_uri_not_supported", "request_uri is not supported"));
        }
        match parameters.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(error("unsupported_response_type", "response_type is code")),
            None => return Err(invalid("response_type is missing")),
        }
        ResponseMode::read(parameters)?;
        let nonce = parameters.get("nonce").map(str::to_owned);
        if nonce.as_ref().is_some_and(|nonce| nonce.len() > MAX_NONCE) {
            return Err(invalid("nonce has at most 512 bytes"));
        }
        let max_age = parameters.get("max_age").map(seconds).transpose()?;
        let asked = prompts(parameters)?;
        Ok(Self {
            challenge: challenge(parameters, client)?,
            scopes: scopes(parameters, client)?,
            resources: resources(parameters, client)?,
            prompt: prompt(&asked, client)?,
            asks_again: asked.contains("consent"),
            confirms: client.kind == ClientKind::Native || asked.contains("select_account"),
            max_age,
            two_factors: asks_for_two(parameters),
            nonce,
        })
    }
}

/// OC-06.
fn challenge(parameters: &Parameters, client: &ClientRegistration) -> Result<Option<String>, AuthorizationError> {
    let method = parameters.get("code_challenge_method");
    let Some(challenge) = parameters.get("code_challenge") else {
        let is_needed = client.pkce == Pkce::Required || method.is_some();
        return if is_needed { Err(invalid("code_challenge is missing (RFC 7636)")) } else { Ok(None) };
    };
    if method != Some("S256") {
        return Err(invalid("code_challenge_method is S256"));
    }
    let is_sha256 = challenge.len() == 43
        && challenge.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_sha256 { Ok(Some(challenge.to_owned())) } else { Err(invalid("code_challenge is no SHA-256 in base64url")) }
}

/// Unknown ones are left out; the answer says what is left.
fn scopes(parameters: &Parameters, client: &ClientRegistration) -> Result<BTreeSet<String>, AuthorizationError> {
    let asked = parameters.get("scope").unwrap_or_default().split(' ');
    // What outlives a session is the refresh token (OpenID Connect Core 1.0, 11).
    let may_have = |scope: &&str| {
        client.scopes.contains(*scope) && (*scope != OFFLINE_ACCESS || client.grants.contains(&Grant::RefreshToken))
    };
    let scopes: BTreeSet<String> = asked.filter(may_have).map(str::to_owned).collect();
    if scopes.is_empty() { Err(error("invalid_scope", "the client may have none of these scopes")) } else { Ok(scopes) }
}

/// As they are registered, whichever spelling is asked for.
fn resources(parameters: &Parameters, client: &ClientRegistration) -> Result<Vec<ResourceUri>, AuthorizationError> {
    let mut found: Vec<ResourceUri> = Vec::new();
    for asked in parameters.resources() {
        let hash = ResourceUri::parse(asked).map(|uri| uri.hash()).ok();
        let own = client.resources.iter().find(|own| hash.as_ref() == Some(&own.hash()));
        let own = own.ok_or(error("invalid_target", "the client may ask no tokens for this resource"))?;
        if !found.contains(own) {
            found.push(own.clone());
        }
    }
    Ok(found)
}

/// Digits alone: what has a sign is no number of seconds.
fn seconds(text: &str) -> Result<u64, AuthorizationError> {
    let seconds = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok());
    seconds.flatten().ok_or(invalid("max_age is a number of seconds"))
}

fn prompts(parameters: &Parameters) -> Result<BTreeSet<&str>, AuthorizationError> {
    let asked: BTreeSet<&str> =
        parameters.get("prompt").unwrap_or_default().split(' ').filter(|it| !it.is_empty()).collect();
    let is_known = |it: &&str| ["none", "login", "select_account", "consent", "create"].contains(it);
    if !asked.iter().all(is_known) {
        return Err(invalid("prompt is none, create, or some of login, select_account and consent"));
    }
    if asked.len() > 1 && (asked.contains("none") || asked.contains("create")) {
        return Err(invalid("prompt=none and prompt=create stand alone"));
    }
    Ok(asked)
}

fn prompt(asked: &BTreeSet<&str>, client: &ClientRegistration) -> Result<Prompt, AuthorizationError> {
    if asked.contains("none") {
        return if client.kind == ClientKind::Native {
            Err(error("interaction_required", "a native client's person presses a button on a page"))
        } else {
            Ok(Prompt::None)
        };
    }
    Ok(match () {
        () if asked.contains("create") => Prompt::Create,
        () if asked.contains("login") => Prompt::SignIn,
        () => Prompt::WhatIsNeeded,
    })
}

#[cfg(test)]
mod tests;
