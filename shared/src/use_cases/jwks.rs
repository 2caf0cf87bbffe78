//! The keys that access tokens verify with.

use crate::app::{App, RequestContext};
use crate::use_cases::fault::Fault;

/// The JWK set (RFC 7517) of every key published now (TK-04).
pub async fn jwks(app: &App, context: &RequestContext) -> Result<serde_json::Value, Fault> {
    Ok(app.secrets.public_keys(context.now).await?.ring.jwks(context.now))
}
