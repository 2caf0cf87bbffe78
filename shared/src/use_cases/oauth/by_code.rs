//! Exchanging a code (RFC 6749, 4.1.3; RFC 7636, 4.5).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use crate::app::App;
use crate::crypto::oauth_token::{AuthorizationCode, ClientRefreshToken};
use crate::crypto::sealed_token::{TokenSecret, secret_hash};
use crate::domain::audit::AuditAction;
use crate::domain::hex;
use crate::domain::oauth::client::{Client, Grant as GrantKind};
use crate::domain::oauth::grant::{CodeProof, GrantRefresh, KEPT, OFFLINE_LIFE, SpentCode};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::oauth::scope::OFFLINE_ACCESS;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::oauth::grants::{CodeRequest, Redemption};
use crate::use_cases::oauth::authorize::uri_hash;
use crate::use_cases::oauth::exchange::{TokenError, alive, asked_resource, granted_resource, revoke};
use crate::use_cases::oauth::issue::{Issue, Tokens, access_life, issue};

/// Nothing is written before everything is there that the answer needs.
pub(super) async fn by_code(
    app: &App,
    context: &RequestContext,
    client: &Client,
    parameters: &Parameters,
) -> Result<Tokens, TokenError> {
    let (now, policy) = (context.now, &app.config.sessions);
    let needed = |name, missing| parameters.get(name).ok_or(TokenError::InvalidRequest(missing));
    let code = needed("code", "code is missing")?;
    let redirect_uri = needed("redirect_uri", "redirect_uri is missing")?;
    let (login_mac, session_mac, signing) =
        futures::try_join!(app.secrets.login_mac(now), app.secrets.session_mac(now), app.secrets.signing(now))
            .map_err(Fault::from)?;
    let code = AuthorizationCode::open(code, &login_mac, now).map_err(|_| TokenError::InvalidGrant)?;
    let resource = asked_resource(app, client, parameters).await?;
    signing.current(client.registration.id_token_algorithm.into(), now)?;
    let mac_key = session_mac.current(now)?;
    let refresh_secret: TokenSecret = app.entropy.bytes()?;
    let refreshes = client.registration.grants.contains(&GrantKind::RefreshToken);
    let refresh = refreshes.then(|| GrantRefresh {
        generation: 0,
        refresh_hash: secret_hash(&refresh_secret),
        mac_kid: mac_key.kid.clone(),
        rotated_at: now,
        idle_expires_at: now.plus(policy.idle()),
    });
    let life = access_life(app, resource.as_ref().map(|resource| &resource.registration));
    let attempt = hex(&app.entropy.bytes::<16>()?);
    let request = CodeRequest {
        user_id: code.user_id,
        grant_id: code.grant_id,
        proof: CodeProof {
            code_hash: secret_hash(&code.secret),
            client_id: client.registration.id.clone(),
            redirect_uri_hash: uri_hash(redirect_uri),
            challenge: parameters.get("code_verifier").map(challenge_of),
        },
        attempt: &attempt,
        kept_until: kept_until(app, client, refreshes, life, now),
        grace: policy.grace(),
        refresh: refresh.as_ref(),
    };
    let redeemed = app.store.redeem_code(&request, now);
    let (redeemed, (session, user)) =
        futures::try_join!(redeemed, app.store.read_session_and_user(code.user_id, code.session_id))?;
    let grant = match redeemed {
        Redemption::Redeemed(grant) => grant,
        Redemption::Spent(SpentCode::Reused) => {
            // A copy of the code is about: whatever it has given ends (OC-08).
            let place = (code.user_id, code.grant_id, code.session_id);
            revoke(app, context, AuditAction::CodeReused, place, client).await?;
            return Err(TokenError::InvalidGrant);
        }
        Redemption::Spent(SpentCode::Refused | SpentCode::Repeated) => return Err(TokenError::InvalidGrant),
    };
    let user = alive(app, context, session, user)?;
    let resource = granted_resource(app, &grant, resource).await?;
    let resource = resource.as_ref().map(|resource| &resource.registration);
    let (client, nonce) = (&client.registration, grant.nonce.as_deref());
    let asked = Issue { client, resource, grant: &grant, user: &user, scopes: &grant.scopes, nonce };
    let tokens = issue(app, context, &asked, &signing)?;
    let refresh_token = refreshes.then(|| {
        let (user_id, grant_id, session_id) = (grant.user_id, grant.id, grant.session_id);
        ClientRefreshToken { user_id, grant_id, session_id, generation: 0, secret: refresh_secret }.seal(mac_key)
    });
    Ok(Tokens { refresh_token, ..tokens })
}

/// How long the table has the grant at least. Which scopes were granted the write alone finds: a client that may have grants
/// that outlive their session has all of its own kept so long.
fn kept_until(app: &App, client: &Client, refreshes: bool, life: Duration, now: Timestamp) -> Timestamp {
    if !refreshes {
        return now.plus(life).plus(KEPT);
    }
    let may_outlive = client.registration.scopes.contains(OFFLINE_ACCESS);
    let session = app.config.sessions.absolute();
    now.plus(if may_outlive { session.max(OFFLINE_LIFE).saturating_add(KEPT) } else { session })
}

/// RFC 7636, 4.6. What is no verifier is the source of no challenge.
pub(in crate::use_cases) fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}
