//! Refreshing: one write and one strongly consistent read in parallel (SE-02, SE-04).

use thiserror::Error;

use crate::app::App;
use crate::crypto::sealed_token::{RefreshToken, secret_hash};
use crate::domain::audit::{AuditAction, AuditEntry, Party, Subject};
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::entropy::NoEntropy;
use crate::fault::{Fault, fault_arm};
use crate::store::sign_in::rotation::{Rotation, RotationRequest};
use crate::telemetry::metrics::{self, Refresh};
use crate::use_cases::sign_in::session::{SignedIn, issue};

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
    let (result, outcome) = match attempt(app, context, refresh_token).await {
        Ok(Ok((signed_in, outcome))) => (Ok(signed_in), outcome),
        Ok(Err(outcome)) => (Err(TokenRefreshError::InvalidToken), outcome),
        Err(fault) => (Err(TokenRefreshError::Fault(fault)), Refresh::Fault),
    };
    metrics::refresh(outcome);
    result
}

/// The next pair, or how it was refused.
async fn attempt(
    app: &App,
    context: &RequestContext,
    refresh_token: &str,
) -> Result<Result<(SignedIn, Refresh), Refresh>, Fault> {
    let now = context.now;
    let ring = app.secrets.session_mac(now).await?;
    let Ok(token) = RefreshToken::open(refresh_token, &ring, now) else { return Ok(Err(Refresh::InvalidToken)) };
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
    let line = |action, session: &Session| {
        let holder = Party { address: session.address.clone(), user_agent: session.user_agent.clone() };
        let audit = app.audit(context, subject.clone(), action, Some(session.id))?;
        Ok::<_, NoEntropy>(AuditEntry { holder: Some(holder), ..audit })
    };
    let (session, refresh) = match rotation {
        Rotation::Rotated(session) => (session, Refresh::Rotated),
        // Whoever rotates first makes the other the one who repeats: both are named, and both kinds count (decision 33).
        Rotation::Current(session) | Rotation::Replayed(session) => {
            if session.is_elsewhere(request.address.as_deref(), request.user_agent.as_deref()) {
                app.store.record(&line(AuditAction::RefreshReplayedElsewhere, &session)?).await?;
                let (request_id, user_id) = (&context.request_id, token.user_id);
                tracing::info!(request_id, %user_id, "a refresh was repeated from elsewhere");
                (session, Refresh::ReplayedElsewhere)
            } else {
                (session, Refresh::Repeated)
            }
        }
        Rotation::Reused(session) => {
            let audit = line(AuditAction::RefreshReused, &session)?;
            // A client that does not know yet that its session was ended elsewhere presents its token again, too.
            let alive = user.filter(|user| app.admits(user, &session));
            let notice = alive.map(|user| app.session_reused_notice(context, user.id, user.email.key())).transpose()?;
            let hash = Some(request.secret_hash.as_str());
            app.store.end_and_tell(token.user_id, session.id, hash, notice.as_ref(), &audit).await?;
            if notice.is_none() {
                return Ok(Err(Refresh::InvalidToken));
            }
            let (request_id, user_id) = (&context.request_id, token.user_id);
            tracing::warn!(request_id, %user_id, "a refresh token was used a second time");
            return Ok(Err(Refresh::Reused));
        }
        Rotation::Dead => return Ok(Err(Refresh::InvalidToken)),
    };
    let Some(user) = user.filter(|user| app.admits(user, &session)) else { return Ok(Err(Refresh::InvalidToken)) };
    // The key that the session names, not today's: a repeated refresh gets the same token across a key rotation.
    let Some(mac_key) = ring.find(&session.mac_kid, now) else { return Ok(Err(Refresh::InvalidToken)) };
    let signed_in = issue(app, context, &session, token.secret, &user.roles, mac_key, signing_key)?;
    Ok(Ok((signed_in, refresh)))
}
