//! Telling a client that sessions of its people have ended (OC-41, OC-42).
//!
//! Store requests: one read of the client.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::id_token::session_id_for;
use crate::crypto::logout_token::{LogoutToken, events, sign};
use crate::domain::id::TokenId;
use crate::domain::oauth::logout_order::LogoutOrder;
use crate::fault::{Fault, fault_arm};
use crate::outbound::OutboundError;
use crate::outbound::backchannel::Backchannel;

/// How long a token says anything: whoever is told later gets another one.
const LIFE: Duration = Duration::from_mins(2);

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogoutNotice {
    /// The client has taken it.
    Taken,
    /// The client is gone, out of use, or no longer asks to be told.
    Nothing,
    /// The client has refused it for good.
    Refused,
}

/// Why an order has to be tried again.
#[derive(Debug, Error)]
pub enum NotifyLogoutError {
    /// The client has not taken it.
    #[error(transparent)]
    Client(#[from] OutboundError),
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(NotifyLogoutError);

/// Carries an order out. Each try has a token of its own.
pub async fn notify_logout(
    app: &App,
    backchannel: &Backchannel,
    order: &LogoutOrder,
) -> Result<LogoutNotice, NotifyLogoutError> {
    let now = app.clock.now();
    let client = app.store.read_client(&order.client_id).await?.filter(|client| !client.disabled);
    let client = client.map(|client| client.registration);
    let Some((client, uri)) = client.and_then(|client| client.backchannel_logout_uri.clone().map(|uri| (client, uri)))
    else {
        return Ok(LogoutNotice::Nothing);
    };
    let ring = app.secrets.signing(now).await?;
    let client_id = client.id.as_str();
    let claims = LogoutToken {
        iss: app.config.tokens.issuer.clone(),
        aud: client_id.to_owned(),
        iat: now.unix_seconds(),
        exp: now.plus(LIFE).unix_seconds(),
        jti: TokenId::new(now, app.entropy.number()?).to_string(),
        sub: order.user_id.to_string(),
        sid: order.session_id.map(|id| session_id_for(&id.to_string(), client_id)),
        events: events(),
    };
    let token = sign(&claims, ring.current(client.id_token_algorithm.into(), now)?)?;
    match backchannel.post(&client.id, uri.as_str(), &token, now).await {
        Ok(()) => Ok(LogoutNotice::Taken),
        Err(cause) if cause.is_final => {
            tracing::warn!(id = order.id, client_id, %cause, "a client was not told that a session has ended: it refuses");
            Ok(LogoutNotice::Refused)
        }
        Err(cause) => Err(cause.into()),
    }
}
