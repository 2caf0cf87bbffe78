//! `GET /.well-known/openid-configuration`: where everything is (OpenID Connect Discovery 1.0). It names only what
//! exists.

use std::future::ready;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;

/// What answers `GET /.well-known/openid-configuration`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "openid-configuration",
    routes: &[Route::get("/.well-known/openid-configuration")],
    class: Class::Standard,
    reader: Reader::Program,
    needs: Needs { rings: &[], table: false },
    handler: |app, _request| Box::pin(ready(handle(app))),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Where everything is (OpenID Connect Discovery 1.0)",
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
