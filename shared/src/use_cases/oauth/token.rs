//! Exchanging a code, or a refresh token, for tokens (RFC 6749, 3.2).
//!
//! Store requests: one read of the client, one more of the API that tokens are asked for; one round of a write and two reads
//! (grant; session, account). A code or a refresh token that comes again too late adds one transaction, which ends its grant.

use crate::app::App;
use crate::crypto::client_secret;
use crate::domain::oauth::client::{Client, ClientId, Grant as GrantKind};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::use_cases::oauth::by_code::by_code;
use crate::use_cases::oauth::by_refresh::by_refresh;
use crate::use_cases::oauth::exchange::TokenError;
use crate::use_cases::oauth::issue::Tokens;

/// What is looked at, and so may come once only.
const KNOWN: [&str; 8] =
    ["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "scope", "refresh_token"];

/// Who asks, as the request says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// By the `Authorization` header (RFC 6749, 2.3.1): id and secret.
    Basic(String, String),
    /// By the body, or not at all.
    Body,
}

/// A request.
pub struct TokenRequest<'a> {
    /// The form.
    pub parameters: &'a Parameters,
    /// Who asks.
    pub client: &'a ClientProof,
    /// Whose page asks, if one does.
    pub origin: Option<&'a str>,
}

/// Answers a client. Who it is comes before anything else, and nothing is used up before (OC-11).
pub async fn token(app: &App, context: &RequestContext, request: TokenRequest<'_>) -> Result<Tokens, TokenError> {
    let parameters = request.parameters;
    if parameters.repeated(&KNOWN).is_some() {
        return Err(TokenError::InvalidRequest("a parameter stands twice"));
    }
    let client = authenticate_client(app, &request).await?;
    admit_origin(&client, request.origin)?;
    let kind = match parameters.get("grant_type") {
        Some("authorization_code") => GrantKind::AuthorizationCode,
        Some("refresh_token") => GrantKind::RefreshToken,
        Some(_) => return Err(TokenError::UnsupportedGrantType),
        None => return Err(TokenError::InvalidRequest("grant_type is missing")),
    };
    if !client.registration.grants.contains(&kind) {
        return Err(TokenError::UnauthorizedClient);
    }
    match kind {
        GrantKind::AuthorizationCode => by_code(app, context, &client, parameters).await,
        GrantKind::RefreshToken => by_refresh(app, context, &client, parameters).await,
    }
}

async fn authenticate_client(app: &App, request: &TokenRequest<'_>) -> Result<Client, TokenError> {
    let parameters = request.parameters;
    let in_body = parameters.get("client_secret");
    let (id, secret) = match request.client {
        ClientProof::Basic(_, _) if in_body.is_some() => {
            return Err(TokenError::InvalidRequest("a client shows its secret once"));
        }
        // The body may repeat the id, but not be of another.
        ClientProof::Basic(id, _) if parameters.get("client_id").is_some_and(|other| other != id) => {
            return Err(TokenError::InvalidRequest("client_id is another client's"));
        }
        // RFC 6749, 2.3.1: one that is empty is none.
        ClientProof::Basic(id, secret) => (id.as_str(), Some(secret.as_str()).filter(|secret| !secret.is_empty())),
        ClientProof::Body => {
            let id = parameters.get("client_id").ok_or(TokenError::InvalidRequest("client_id is missing"))?;
            (id, in_body)
        }
    };
    let id = ClientId::parse(id).map_err(|_| TokenError::InvalidClient)?;
    let client = app.store.read_client(&id).await?.filter(|client| !client.disabled);
    let digests = client.iter().flat_map(|client| &client.secrets).map(|known| known.sha256.as_str());
    let is_right = client_secret::is_one_of(secret.unwrap_or_default(), digests);
    let client = client.ok_or(TokenError::InvalidClient)?;
    let is_known = if client.registration.kind.has_secrets() { is_right } else { secret.is_none() };
    if is_known { Ok(client) } else { Err(TokenError::InvalidClient) }
}

/// OC-25: a page of another origin than the client's is not the client.
fn admit_origin(client: &Client, origin: Option<&str>) -> Result<(), TokenError> {
    let Some(origin) = origin else { return Ok(()) };
    let registration = &client.registration;
    let is_listed = registration.allowed_origins.iter().any(|listed| listed == origin);
    if is_listed || registration.redirect_uris.iter().any(|uri| uri.origin() == Some(origin)) {
        return Ok(());
    }
    Err(TokenError::InvalidRequest("the page is of an origin that is not the client's"))
}
