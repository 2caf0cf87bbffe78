//! Exchanging a refresh token (RFC 6749, 6). The token of a client that keeps a secret stays as it is; that of any other
//! changes each time (OC-10).

use std::collections::BTreeSet;

use crate::app::App;
use crate::crypto::oauth_token::ClientRefreshToken;
use crate::crypto::sealed_token::secret_hash;
use crate::domain::audit::AuditAction;
use crate::domain::oauth::client::Client;
use crate::domain::oauth::grant::{Grant, OFFLINE_IDLE, RefreshProof};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::store::oauth::grants::{RefreshRequest, Refreshed};
use crate::use_cases::oauth::exchange::{TokenError, alive, asked_resource, granted_resource, outlives, revoke};
use crate::use_cases::oauth::issue::{Issue, Tokens, issue};

/// The scopes and the resource of a request narrow what it gives, and never the grant.
pub(super) async fn by_refresh(
    app: &App,
    context: &RequestContext,
    client: &Client,
    parameters: &Parameters,
) -> Result<Tokens, TokenError> {
    let (now, policy) = (context.now, &app.config.sessions);
    let shown = parameters.get("refresh_token").ok_or(TokenError::InvalidRequest("refresh_token is missing"))?;
    let (ring, signing) =
        futures::try_join!(app.secrets.session_mac(now), app.secrets.signing(now)).map_err(Fault::from)?;
    let token = ClientRefreshToken::open(shown, &ring, now).map_err(|_| TokenError::InvalidGrant)?;
    let resource = asked_resource(app, client, parameters).await?;
    signing.current(client.registration.id_token_algorithm.into(), now)?;
    let rotates = !client.registration.kind.has_secrets();
    let key = ring.current(now)?;
    let request = RefreshRequest {
        user_id: token.user_id,
        grant_id: token.grant_id,
        proof: RefreshProof {
            generation: token.generation,
            refresh_hash: secret_hash(&token.secret),
            client_id: client.registration.id.clone(),
        },
        rotates_with: rotates.then_some(key.kid.as_str()),
        idle: policy.idle(),
        longer: OFFLINE_IDLE.saturating_sub(policy.idle()),
        grace: policy.grace(),
    };
    let refreshed = app.store.refresh_grant(&request, now);
    let (refreshed, (session, user)) =
        futures::try_join!(refreshed, app.store.read_session_and_user(token.user_id, token.session_id))?;
    let grant = match refreshed {
        Refreshed::Refreshed(grant) => grant,
        Refreshed::Reused => {
            // A copy of the token is about: the family ends, and the person's other ones go on.
            let place = (token.user_id, token.grant_id, token.session_id);
            revoke(app, context, AuditAction::ClientRefreshReused, place, client).await?;
            return Err(TokenError::InvalidGrant);
        }
        Refreshed::Dead => return Err(TokenError::InvalidGrant),
    };
    let user = if grant.offline_version.is_some() {
        outlives(app, context, &grant, user)?
    } else {
        alive(app, context, session, user)?
    };
    let scopes = narrowed(&grant, parameters)?;
    let resource = granted_resource(app, &grant, resource).await?;
    let resource = resource.as_ref().map(|resource| &resource.registration);
    let asked =
        Issue { client: &client.registration, resource, grant: &grant, user: &user, scopes: &scopes, nonce: None };
    let tokens = issue(app, context, &asked, &signing)?;
    let family = grant.refresh.as_ref().ok_or(TokenError::InvalidGrant)?;
    // Where it rotates, the key that the grant names and not today's: asked again, it is the same token across a key rotation.
    // Where it does not, today's, so that the token outlives its key.
    let key = if rotates { ring.find(&family.mac_kid, now).ok_or(TokenError::InvalidGrant)? } else { key };
    let refresh_token = ClientRefreshToken { generation: family.generation, ..token }.seal(key);
    Ok(Tokens { refresh_token: Some(refresh_token), ..tokens })
}

/// What the request asks for, of what was granted; all of it if it does not say.
fn narrowed(grant: &Grant, parameters: &Parameters) -> Result<BTreeSet<String>, TokenError> {
    let Some(asked) = parameters.get("scope") else { return Ok(grant.scopes.clone()) };
    let asked: BTreeSet<String> = asked.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    if asked.is_empty() || !asked.is_subset(&grant.scopes) { Err(TokenError::InvalidScope) } else { Ok(asked) }
}
