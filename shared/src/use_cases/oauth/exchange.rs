//! What exchanging a code and a refresh token have in common.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::app::App;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::id::{GrantId, SessionId, UserId};
use crate::domain::oauth::client::Client;
use crate::domain::oauth::grant::Grant;
use crate::domain::oauth::parameters::Parameters;
use crate::domain::oauth::resource::{Resource, ResourceUri};
use crate::domain::request_context::RequestContext;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::fault::{Fault, fault_arm};

/// Why there are no tokens (RFC 6749, 5.2).
#[derive(Debug, Error)]
pub enum TokenError {
    /// The request is none.
    #[error("invalid_request: {0}")]
    InvalidRequest(&'static str),
    /// Unknown, out of use, or with a wrong secret: which of them is not told (OC-46).
    #[error("invalid_client")]
    InvalidClient,
    /// The code is none, or is not this client's, URI's or verifier's.
    #[error("invalid_grant")]
    InvalidGrant,
    /// The client may not have such a grant.
    #[error("unauthorized_client")]
    UnauthorizedClient,
    /// Nobody may.
    #[error("unsupported_grant_type")]
    UnsupportedGrantType,
    /// The grant has nothing for this API.
    #[error("invalid_target")]
    InvalidTarget,
    /// The grant has none of these scopes.
    #[error("invalid_scope")]
    InvalidScope,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(TokenError);

/// The API that the request names. Before anything is used up: what the client may not ask for at all.
pub(super) async fn asked_resource(
    app: &App,
    client: &Client,
    parameters: &Parameters,
) -> Result<Option<Resource>, TokenError> {
    let named: BTreeSet<&str> = parameters.resources().iter().map(String::as_str).collect();
    let mut named = named.into_iter();
    let (Some(name), None) = (named.next(), named.next()) else {
        return if parameters.resources().is_empty() { Ok(None) } else { Err(TokenError::InvalidTarget) };
    };
    let uri = ResourceUri::parse(name).map_err(|_| TokenError::InvalidTarget)?;
    if !client.registration.resources.iter().any(|own| own.hash() == uri.hash()) {
        return Err(TokenError::InvalidTarget);
    }
    let resource = app.store.read_resource(&uri).await?.filter(|resource| !resource.disabled);
    resource.map(Some).ok_or(TokenError::InvalidTarget)
}

/// The API that the tokens are for: what was asked for now, or the first that the person was asked about.
pub(super) async fn granted_resource(
    app: &App,
    grant: &Grant,
    asked: Option<Resource>,
) -> Result<Option<Resource>, TokenError> {
    match (asked, grant.resources.first()) {
        (None, None) => Ok(None),
        (Some(asked), _) => {
            let hash = asked.registration.uri.hash();
            let is_granted = grant.resources.iter().any(|granted| granted.hash() == hash);
            if is_granted { Ok(Some(asked)) } else { Err(TokenError::InvalidTarget) }
        }
        (None, Some(first)) => {
            let resource = app.store.read_resource(first).await?.filter(|resource| !resource.disabled);
            resource.map(Some).ok_or(TokenError::InvalidTarget)
        }
    }
}

/// Session and account, if they let a grant live.
pub(super) fn alive(
    app: &App,
    context: &RequestContext,
    session: Option<Session>,
    user: Option<User>,
) -> Result<User, TokenError> {
    let alive = session.zip(user).filter(|(session, user)| !session.is_over(context.now) && app.admits(user, session));
    alive.map(|(_, user)| user).ok_or(TokenError::InvalidGrant)
}

/// The account, if it lets a grant live that outlives its session.
pub(super) fn outlives(
    app: &App,
    context: &RequestContext,
    grant: &Grant,
    user: Option<User>,
) -> Result<User, TokenError> {
    let user = user.filter(|user| app.admits_offline(user, grant, context.now));
    user.ok_or(TokenError::InvalidGrant)
}

/// Ends a grant of which something was used a second time, and says so in the person's trail.
pub(super) async fn revoke(
    app: &App,
    context: &RequestContext,
    action: AuditAction,
    (user_id, grant_id, session_id): (UserId, GrantId, SessionId),
    client: &Client,
) -> Result<(), Fault> {
    let client_id = client.registration.id.as_str();
    let audit = app.audit(context, Subject::User(user_id), action, Some(session_id))?;
    let audit = AuditEntry { detail: Some(client_id.to_owned()), ..audit };
    let request_id = &context.request_id;
    tracing::warn!(request_id, %user_id, client_id, ?action, "what a grant gave was used a second time");
    Ok(app.store.revoke_grant(user_id, grant_id, &audit).await?)
}
