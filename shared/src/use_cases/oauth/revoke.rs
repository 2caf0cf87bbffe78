//! Ending what a token came of, by its client (RFC 7009).
//!
//! Store requests: one read of the client; where the token is one of ours one read of the grant, and one transaction that ends
//! it.

use crate::app::App;
use crate::crypto::sealed_token::secret_hash;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::oauth::parameters::Parameters;
use crate::domain::request_context::RequestContext;
use crate::use_cases::oauth::client_authentication::ClientProof;
use crate::use_cases::oauth::exchange::TokenError;
use crate::use_cases::oauth::shown_token::{ShownToken, asking_client, shown_token, token};

/// Ends the whole grant, whichever of its tokens is shown: an access token is believed until it runs out, and what refreshes
/// it goes. A token that is none, or another client's, is answered as one that is ended (RFC 7009, 2.2).
pub async fn revoke(
    app: &App,
    context: &RequestContext,
    parameters: &Parameters,
    proof: &ClientProof,
) -> Result<(), TokenError> {
    let client = asking_client(app, parameters, proof).await?;
    let shown = token(parameters)?;
    let (user_id, grant_id, family) = match shown_token(app, context, &client.registration, shown).await? {
        ShownToken::Refresh(token) => (token.user_id, token.grant_id, Some(secret_hash(&token.secret))),
        ShownToken::Access { user_id, grant_id, .. } => (user_id, grant_id, None),
        ShownToken::None => return Ok(()),
    };
    let grant = app.store.read_grant(user_id, grant_id).await?;
    let own = grant.filter(|grant| {
        let is_family = |hash: &String| grant.refresh.as_ref().is_some_and(|refresh| refresh.refresh_hash == *hash);
        grant.is_live() && grant.client_id == client.registration.id && family.as_ref().is_none_or(is_family)
    });
    let Some(grant) = own else { return Ok(()) };
    let audit = app.audit(context, Subject::User(user_id), AuditAction::GrantEnded, Some(grant.session_id))?;
    let audit = AuditEntry { detail: Some(client.registration.id.as_str().to_owned()), ..audit };
    Ok(app.store.revoke_grant(user_id, grant_id, &audit).await?)
}
