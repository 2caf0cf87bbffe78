//! Whether a token is good, for the API that it is for, or for its own client (RFC 7662).
//!
//! Store requests: one read of the client; of a genuine token one round of two reads (grant, account), then one (session).

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::crypto::sealed_token::secret_hash;
use crate::domain::id::{GrantId, UserId};
use crate::domain::oauth::client::{Client, ClientId};
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::oauth::client_authentication::ClientProof;
use crate::use_cases::oauth::exchange::TokenError;
use crate::use_cases::oauth::live_grant::read_live_grant;
use crate::use_cases::oauth::shown_token::{ShownToken, asking_client, shown_token, token};

/// What is told of a token; `active` is false of one that is none, has ended, or is nothing of the asker's (OC-43).
pub async fn introspect(
    app: &App,
    context: &RequestContext,
    parameters: &Parameters,
    proof: &ClientProof,
) -> Result<Map<String, Value>, TokenError> {
    let client = asking_client(app, parameters, proof).await?;
    // Whoever keeps no secret could be anybody.
    if !client.registration.kind.has_secrets() {
        return Err(TokenError::UnauthorizedClient);
    }
    let shown = token(parameters)?;
    let told = look_at(app, context, &client, shown).await?;
    Ok(told.unwrap_or_else(|| Map::from_iter([("active".to_owned(), false.into())])))
}

async fn look_at(
    app: &App,
    context: &RequestContext,
    client: &Client,
    shown: &str,
) -> Result<Option<Map<String, Value>>, Fault> {
    let registration = &client.registration;
    let own = &registration.id;
    let told = match shown_token(app, context, registration, shown).await? {
        ShownToken::Refresh(refresh_token) => {
            let grant = live(app, context, refresh_token.user_id, refresh_token.grant_id, own).await?;
            let Some((grant, refresh)) = grant.and_then(|grant| grant.refresh.clone().map(|refresh| (grant, refresh)))
            else {
                return Ok(None);
            };
            let is_current = refresh.refresh_hash == secret_hash(&refresh_token.secret)
                && refresh.generation == refresh_token.generation;
            if !is_current || context.now >= refresh.idle_expires_at {
                return Ok(None);
            }
            json!({
                "active": true,
                "client_id": own.as_str(),
                "sub": grant.user_id.to_string(),
                "scope": joined(&grant),
                "iss": app.config.tokens.issuer,
                "exp": refresh.idle_expires_at.unix_seconds(),
            })
        }
        ShownToken::Access { claims, user_id, grant_id } => {
            let Ok(of) = ClientId::parse(&claims.client_id) else { return Ok(None) };
            let is_audience =
                registration.resources.iter().any(|resource| claims.aud.iter().any(|aud| aud == resource.as_str()));
            // A resource server hears of tokens for it, and any other client of its own.
            let may_know = if registration.kind.signs_people_in() { of == *own } else { is_audience };
            if !may_know || live(app, context, user_id, grant_id, &of).await?.is_none() {
                return Ok(None);
            }
            json!({
                "active": true,
                "client_id": claims.client_id,
                "sub": claims.sub,
                "aud": claims.aud,
                "scope": claims.scope,
                "iss": claims.iss,
                "exp": claims.exp,
                "iat": claims.iat,
                "jti": claims.jti,
                "token_type": "Bearer",
                "auth_time": claims.auth_time,
                "amr": claims.amr,
                "acr": claims.acr,
            })
        }
        ShownToken::None => return Ok(None),
    };
    Ok(if let Value::Object(told) = told { Some(told) } else { None })
}

async fn live(
    app: &App,
    context: &RequestContext,
    user_id: UserId,
    grant_id: GrantId,
    client_id: &ClientId,
) -> Result<Option<Grant>, Fault> {
    let found = read_live_grant(app, context.now, user_id, grant_id, client_id.as_str()).await?;
    Ok(found.map(|(grant, _)| grant))
}

fn joined(grant: &Grant) -> String {
    grant.scopes.iter().cloned().collect::<Vec<_>>().join(" ")
}
