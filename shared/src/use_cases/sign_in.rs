//! What every way of signing in and refreshing ends with: a session's tokens.

use std::time::Duration;

use wardgate_verify::AccessToken;

use crate::app::{App, RequestContext};
use crate::crypto::access_token;
use crate::crypto::key_ring::{MacKey, SigningKey};
use crate::crypto::sealed_token::{RefreshToken, TokenSecret, secret_hash};
use crate::domain::id::{SessionId, TokenId, UserId};
use crate::domain::session::Session;
use crate::domain::user::Roles;
use crate::use_cases::fault::Fault;

/// What a client gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// A JWT (RFC 9068).
    pub access_token: String,
    /// How long the access token lives.
    pub expires_in: Duration,
    /// A sealed token (OT-09).
    pub refresh_token: String,
    /// The session that both belong to.
    pub session_id: SessionId,
}

/// A session that begins now, and the random bits that only its tokens carry.
pub(super) fn begin_session(
    app: &App,
    context: &RequestContext,
    user_id: UserId,
    amr: &str,
    mac_key: &MacKey,
) -> Result<(Session, TokenSecret), Fault> {
    let secret: TokenSecret = app.entropy.bytes()?;
    let (now, policy) = (context.now, &app.config.sessions);
    let session = Session {
        id: SessionId::new(now, app.entropy.number()?),
        user_id,
        generation: 0,
        secret_hash: secret_hash(&secret),
        mac_kid: mac_key.kid.clone(),
        created_at: now,
        authenticated_at: now,
        amr: vec![amr.to_owned()],
        rotated_at: now,
        idle_expires_at: now.plus(policy.idle()),
        expires_at: now.plus(policy.absolute()),
        revoked_at: None,
        address: context.origin.address.map(|address| address.to_string()),
        user_agent: context.origin.user_agent.clone(),
    };
    Ok((session, secret))
}

/// The tokens of a session's current generation. The refresh token is computed: asked again, it is the same one.
pub(super) fn issue(
    app: &App,
    context: &RequestContext,
    session: &Session,
    secret: TokenSecret,
    roles: &Roles,
    mac_key: &MacKey,
    signing_key: &SigningKey,
) -> Result<SignedIn, Fault> {
    let tokens = &app.config.tokens;
    let issued_at = context.now.unix_seconds();
    let expires_in = Duration::from_secs(tokens.access_seconds);
    let claims = AccessToken {
        iss: tokens.issuer.clone(),
        sub: session.user_id.to_string(),
        aud: vec![tokens.audience.clone()],
        exp: context.now.plus(expires_in).unix_seconds(),
        iat: issued_at,
        nbf: None,
        jti: TokenId::new(context.now, app.entropy.number()?).to_string(),
        client_id: tokens.client_id.clone(),
        scope: tokens.scope.clone(),
        sid: Some(session.id.to_string()),
        auth_time: Some(session.authenticated_at.unix_seconds()),
        amr: session.amr.clone(),
        roles: roles.iter().cloned().collect(),
    };
    let refresh_token =
        RefreshToken { user_id: session.user_id, session_id: session.id, generation: session.generation, secret };
    Ok(SignedIn {
        access_token: access_token::sign(&claims, signing_key)?,
        expires_in,
        refresh_token: refresh_token.seal(mac_key),
        session_id: session.id,
    })
}
