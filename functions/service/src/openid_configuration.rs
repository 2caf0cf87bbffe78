//! `GET /.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`: where everything is (OpenID Connect
//! Discovery 1.0, RFC 8414), the same at both. It names only what exists.

use std::future::ready;

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;

/// What answers it.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "openid-configuration",
    routes: &[
        Route::get("/.well-known/openid-configuration"),
        Route::further("oauth-authorization-server", Method::GET, "/.well-known/oauth-authorization-server"),
    ],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[], table: false },
    handler: |app, _request| Box::pin(ready(handle(app))),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Where everything is (OpenID Connect Discovery 1.0, RFC 8414)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "The metadata. It names only endpoints that exist.", Some(schema::<Metadata>))],
    problems: &[(503, "Busy; try again after Retry-After.")],
};

/// The provider's metadata.
#[derive(Serialize, JsonSchema)]
pub struct Metadata {
    /// Exactly the `iss` of every token.
    issuer: String,
    /// Where the verification keys are.
    jwks_uri: String,
    /// Everybody has the same `sub` for all clients.
    subject_types_supported: [&'static str; 1],
}

fn handle(app: &App) -> Result<Reply, Problem> {
    let issuer = app.config.tokens.issuer.clone();
    let metadata =
        Metadata { jwks_uri: format!("{issuer}/.well-known/jwks.json"), subject_types_supported: ["public"], issuer };
    Ok(Reply::json(StatusCode::OK, &metadata)?.public())
}
