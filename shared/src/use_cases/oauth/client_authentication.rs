//! Which client asks (RFC 6749, 2.3): one read.

use crate::app::App;
use crate::crypto::client_secret;
use crate::domain::oauth::client::{Client, ClientId};
use crate::domain::oauth::parameters::Parameters;
use crate::use_cases::oauth::exchange::TokenError;

/// Who asks, as the request says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientProof {
    /// By the `Authorization` header (RFC 6749, 2.3.1): id and secret.
    Basic(String, String),
    /// By the body, or not at all.
    Body,
}

/// Who it is, by its secret where it has one. Unknown, out of use and a wrong secret are answered alike (OC-46).
pub(super) async fn authenticate_client(
    app: &App,
    parameters: &Parameters,
    proof: &ClientProof,
) -> Result<Client, TokenError> {
    let in_body = parameters.get("client_secret");
    let (id, secret) = match proof {
        ClientProof::Basic(_, _) if in_body.is_some() => {
            return Err(TokenError::InvalidRequest("a client shows its secret once"));
        }
        // The body may repeat the id, but not be of another.
        ClientProof::Basic(id, _) if parameters.get("client_id").is_some_and(|other| other != id) => {
            return Err(TokenError::InvalidRequest("client_id is another client's"));
        }
        // RFC 6749, 2.3.1: one that is empty is none.
        ClientProof::Basic(id, secret) => (id.as_str(), Some(secret.as_str()).filter(|secret| !secret.is_empty())),
        ClientProof::Body => {
            let id = parameters.get("client_id").ok_or(TokenError::InvalidRequest("client_id is missing"))?;
            (id, in_body)
        }
    };
    let id = ClientId::parse(id).map_err(|_| TokenError::InvalidClient)?;
    let client = app.store.read_client(&id).await?.filter(|client| !client.disabled);
    let digests = client.iter().flat_map(|client| &client.secrets).map(|known| known.sha256.as_str());
    let is_right = client_secret::is_one_of(secret.unwrap_or_default(), digests);
    let client = client.ok_or(TokenError::InvalidClient)?;
    let is_known = if client.registration.kind.has_secrets() { is_right } else { secret.is_none() };
    if is_known { Ok(client) } else { Err(TokenError::InvalidClient) }
}
