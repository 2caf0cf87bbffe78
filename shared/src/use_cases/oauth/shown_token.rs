//! A token that a client shows, to end it or to hear of it.

use wardgate_verify::{AccessToken, Verifier};

use crate::app::App;
use crate::crypto::oauth_token::ClientRefreshToken;
use crate::domain::id::{GrantId, UserId};
use crate::domain::oauth::client::{Client, ClientRegistration};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::authenticate::{AuthenticateError, verify_with};
use crate::use_cases::oauth::client_authentication::{ClientProof, authenticate_client};
use crate::use_cases::oauth::exchange::TokenError;
use crate::use_cases::oauth::issue::userinfo_audience;

/// What is looked at, and so may come once only.
const KNOWN: [&str; 4] = ["token", "token_type_hint", "client_id", "client_secret"];

/// Who shows it: one read.
pub(super) async fn asking_client(
    app: &App,
    parameters: &Parameters,
    proof: &ClientProof,
) -> Result<Client, TokenError> {
    if parameters.repeated(&KNOWN).is_some() {
        return Err(TokenError::InvalidRequest("a parameter stands twice"));
    }
    authenticate_client(app, parameters, proof).await
}

/// The token of the request.
pub(super) fn token(parameters: &Parameters) -> Result<&str, TokenError> {
    parameters.get("token").ok_or(TokenError::InvalidRequest("token is missing"))
}

/// What is shown, if it is genuine and has not run out.
pub(super) enum ShownToken {
    /// A refresh token.
    Refresh(ClientRefreshToken),
    /// An access token for one of the client's APIs, or for the userinfo endpoint.
    Access {
        /// Its claims.
        claims: Box<AccessToken>,
        /// Whose it is.
        user_id: UserId,
        /// What it came of.
        grant_id: GrantId,
    },
    /// Anything else.
    None,
}

/// Reads it: no store request.
pub(super) async fn shown_token(
    app: &App,
    context: &RequestContext,
    client: &ClientRegistration,
    shown: &str,
) -> Result<ShownToken, Fault> {
    if let Ok(token) = ClientRefreshToken::open(shown, &*app.secrets.session_mac(context.now).await?, context.now) {
        return Ok(ShownToken::Refresh(token));
    }
    let audiences = client.resources.iter().map(|resource| resource.as_str().to_owned());
    let audiences: Vec<String> = audiences.chain([userinfo_audience(app)]).collect();
    let Ok(verifier) = Verifier::new(app.config.tokens.issuer.clone(), audiences) else { return Ok(ShownToken::None) };
    let claims = match verify_with(app, &verifier, context.now, shown).await {
        Ok(claims) => claims,
        Err(AuthenticateError::Fault(fault)) => return Err(fault),
        Err(_) => return Ok(ShownToken::None),
    };
    let user_id = UserId::parse(&claims.sub).ok();
    let grant_id = claims.gid.as_deref().and_then(|id| GrantId::parse(id).ok());
    Ok(match user_id.zip(grant_id) {
        Some((user_id, grant_id)) => ShownToken::Access { claims: Box::new(claims), user_id, grant_id },
        None => ShownToken::None,
    })
}
