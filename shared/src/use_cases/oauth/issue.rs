//! The tokens of a grant.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};
use wardgate_verify::AccessToken;

use crate::app::App;
use crate::crypto::access_token;
use crate::crypto::id_token::{self, IdToken, at_hash, session_id_for};
use crate::crypto::key_ring::{Ring, SigningKey};
use crate::domain::factors::acr;
use crate::domain::id::TokenId;
use crate::domain::oauth::client::ClientRegistration;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::resource::ResourceRegistration;
use crate::domain::oauth::token_algorithm::TokenAlgorithm;
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::Fault;

/// How long an ID token proves something.
const ID_TOKEN_LIFE: Duration = Duration::from_mins(10);

/// What a client gets (RFC 6749, 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// A JWT (RFC 9068).
    pub access_token: String,
    /// How long it lives.
    pub expires_in: Duration,
    /// What it allows.
    pub scope: String,
    /// Who signed in, where the client asked for `openid`.
    pub id_token: Option<String>,
    /// A sealed token, for clients that may refresh.
    pub refresh_token: Option<String>,
}

/// The audience of tokens that no API was named for: they open the userinfo endpoint.
pub(super) fn userinfo_audience(app: &App) -> String {
    format!("{}/oauth2/userinfo", app.config.tokens.issuer)
}

/// Whose tokens, and for whom.
pub(super) struct Issue<'a> {
    pub(super) client: &'a ClientRegistration,
    pub(super) resource: Option<&'a ResourceRegistration>,
    pub(super) grant: &'a Grant,
    pub(super) user: &'a User,
    /// What the client has asked for this time; all that was granted if nothing.
    pub(super) scopes: &'a BTreeSet<String>,
    /// What the ID token repeats: where it comes of a code.
    pub(super) nonce: Option<&'a str>,
}

/// How long an access token for this API lives.
pub(super) fn access_life(app: &App, resource: Option<&ResourceRegistration>) -> Duration {
    Duration::from_secs(resource.map_or(app.config.tokens.access_seconds, |it| it.access_seconds.into()))
}

/// Signs them.
pub(super) fn issue(
    app: &App,
    context: &RequestContext,
    issue: &Issue<'_>,
    ring: &Ring<SigningKey>,
) -> Result<Tokens, Fault> {
    let (now, Issue { client, resource, grant, user, scopes, nonce }) = (context.now, issue);
    let algorithm = resource.map_or(TokenAlgorithm::default(), |resource| resource.algorithm);
    let expires_in = access_life(app, *resource);
    let scope = scopes.iter().cloned().collect::<Vec<_>>().join(" ");
    let claims = AccessToken {
        iss: app.config.tokens.issuer.clone(),
        sub: user.id.to_string(),
        aud: vec![resource.map_or_else(|| userinfo_audience(app), |resource| resource.uri.as_str().to_owned())],
        exp: now.plus(expires_in).unix_seconds(),
        iat: now.unix_seconds(),
        nbf: None,
        jti: TokenId::new(now, app.entropy.number()?).to_string(),
        client_id: client.id.as_str().to_owned(),
        scope: scope.clone(),
        // Whoever has none is no person's session to our own API (OC-04).
        sid: None,
        gid: Some(grant.id.to_string()),
        auth_time: Some(grant.authenticated_at.unix_seconds()),
        amr: grant.amr.clone(),
        acr: Some(acr(&grant.amr).to_owned()),
        roles: Vec::new(),
    };
    let access_token = access_token::sign(&claims, ring.current(algorithm.into(), now)?)?;
    let id_token = if scopes.contains("openid") {
        let claims = if client.claims_in_id_token { claims_of(user, scopes) } else { Map::new() };
        let token = IdToken {
            iss: app.config.tokens.issuer.clone(),
            sub: user.id.to_string(),
            aud: client.id.as_str().to_owned(),
            exp: now.plus(ID_TOKEN_LIFE).unix_seconds(),
            iat: now.unix_seconds(),
            auth_time: grant.authenticated_at.unix_seconds(),
            nonce: nonce.map(str::to_owned),
            acr: acr(&grant.amr),
            amr: grant.amr.clone(),
            sid: session_id_for(&grant.session_id.to_string(), client.id.as_str()),
            at_hash: at_hash(&access_token),
            claims,
        };
        Some(id_token::sign(&token, ring.current(client.id_token_algorithm.into(), now)?)?)
    } else {
        None
    };
    Ok(Tokens { access_token, expires_in, scope, id_token, refresh_token: None })
}

/// What a client may know of a person (OpenID Connect Core 1.0, 5.4).
pub(super) fn claims_of(user: &User, scopes: &BTreeSet<String>) -> Map<String, Value> {
    let mut claims = Map::new();
    if scopes.contains("profile")
        && let Some(name) = &user.name
    {
        claims.insert("name".to_owned(), name.as_str().into());
    }
    if scopes.contains("email") {
        claims.insert("email".to_owned(), user.email.display().into());
        claims.insert("email_verified".to_owned(), json!(user.email_verified));
    }
    claims
}
