//! Refreshing: one write and one strongly consistent read in parallel (SE-02, SE-04).

use thiserror::Error;

use crate::app::{App, RequestContext};
use crate::crypto::sealed_token::{RefreshToken, secret_hash};
use crate::domain::audit::{AuditAction, Subject};
use crate::store::rotation::{Rotation, RotationRequest};
use crate::use_cases::fault::{Fault, fault_arm};
use crate::use_cases::sign_in::{SignedIn, issue};

/// Why a refresh was refused.
#[derive(Debug, Error)]
pub enum TokenRefreshError {
    /// Forged, expired, ended, reused or unknown: the client has to sign in again, whatever it was.
    #[error("the refresh token is no longer valid")]
    InvalidToken,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(TokenRefreshError);

/// Exchanges a refresh token for the session's next pair.
pub async fn token_refresh(
    app: &App,
    context: &RequestContext,
    refresh_token: &str,
) -> Result<SignedIn, TokenRefreshError> {
    let now = context.now;
    let ring = app.secrets.session_mac(now).await?;
    let token = RefreshToken::open(refresh_token, &ring, now).map_err(|_| TokenRefreshError::InvalidToken)?;
    // Before anything is written: a rotation whose answer cannot be signed would only cost the client its token.
    let signing = app.secrets.signing(now).await?;
    let signing_key = signing.current(app.config.tokens.algorithm, now)?;
    let request = RotationRequest {
        user_id: token.user_id,
        session_id: token.session_id,
        generation: token.generation,
        secret_hash: secret_hash(&token.secret),
        mac_kid: &ring.current(now)?.kid,
        address: context.origin.address.map(|address| address.to_string()),
        user_agent: context.origin.user_agent.clone(),
    };
    let (rotation, user) =
        futures::try_join!(app.store.rotate(&request, &app.config.sessions, now), app.store.read_user(token.user_id),)?;
    let subject = Subject::User(token.user_id);
    let session = match rotation {
        Rotation::Rotated(session) | Rotation::Current(session) => session,
        Rotation::Replayed(session) => {
            if session.is_elsewhere(request.address.as_deref(), request.user_agent.as_deref()) {
                let action = AuditAction::RefreshReplayedElsewhere;
                app.store.record(&app.audit(context, subject, action, Some(session.id))?).await?;
            }
            session
        }
        Rotation::Reused => {
            let audit = app.audit(context, subject, AuditAction::RefreshReused, Some(token.session_id))?;
            app.store.end_session(token.user_id, token.session_id, Some(&request.secret_hash), &audit).await?;
            return Err(TokenRefreshError::InvalidToken);
        }
        Rotation::Dead => return Err(TokenRefreshError::InvalidToken),
    };
    let user =
        user.filter(|user| user.admits(session.id, session.created_at)).ok_or(TokenRefreshError::InvalidToken)?;
    // The key that the session names, not today's: a repeated refresh gets the same token across a key rotation.
    let mac_key = ring.find(&session.mac_kid, now).ok_or(TokenRefreshError::InvalidToken)?;
    Ok(issue(app, context, &session, token.secret, &user.roles, mac_key, signing_key)?)
}
