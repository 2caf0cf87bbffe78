//! The keys that access tokens verify with.

use crate::app::App;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;

/// The JWK set (RFC 7517) of every key published now (TK-04).
pub async fn jwks(app: &App, context: &RequestContext) -> Result<serde_json::Value, Fault> {
    Ok(app.secrets.public_keys(context.now).await?.ring.jwks(context.now))
}
