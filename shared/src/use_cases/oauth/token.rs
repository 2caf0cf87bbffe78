//! Exchanging a code, or a refresh token, for tokens (RFC 6749, 3.2).
//!
//! Store requests: one read of the client, one more of the API that tokens are asked for; one round of a write and two reads
//! (grant; session, account). A code or a refresh token that comes again too late adds one transaction, which ends its grant.

use crate::app::App;
use crate::domain::oauth::client::{Client, Grant as GrantKind};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::use_cases::oauth::by_code::by_code;
use crate::use_cases::oauth::by_refresh::by_refresh;
use crate::use_cases::oauth::client_authentication::{ClientProof, authenticate_client};
use crate::use_cases::oauth::exchange::TokenError;
use crate::use_cases::oauth::issue::Tokens;

/// What is looked at, and so may come once only.
const KNOWN: [&str; 8] =
    ["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier", "scope", "refresh_token"];

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
    let client = authenticate_client(app, parameters, request.client).await?;
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
