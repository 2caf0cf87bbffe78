//! What a sign-in and a refresh answer with.

use schemars::JsonSchema;
use serde::Serialize;

use crate::use_cases::sign_in::SignedIn;

/// A session's tokens.
#[derive(Serialize, JsonSchema)]
pub struct SignedInReply {
    /// `signed_in`.
    status: &'static str,
    /// A JWT (RFC 9068) for the `Authorization` header.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// The access token's life, in seconds.
    expires_in: u64,
    /// For the next pair, once: `POST /v1/token/refresh`.
    refresh_token: String,
    /// The session that both belong to.
    session_id: String,
    /// For the device's next sign-in, so that strangers' failures do not keep it out. Only a sign-in answers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_token: Option<String>,
}

impl From<SignedIn> for SignedInReply {
    fn from(signed_in: SignedIn) -> Self {
        Self {
            status: "signed_in",
            access_token: signed_in.access_token,
            token_type: "Bearer",
            expires_in: signed_in.expires_in.as_secs(),
            refresh_token: signed_in.refresh_token,
            session_id: signed_in.session_id.to_string(),
            device_token: signed_in.device_token,
        }
    }
}
