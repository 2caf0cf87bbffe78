//! `GET /.well-known/webauthn`: which other origins may ask for passkeys of this host (WebAuthn Level 3, section 5.11).

use std::future::ready;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;

/// What answers `GET /.well-known/webauthn`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "related-origins",
    routes: &[Route::get("/.well-known/webauthn")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[], table: false },
    handler: |app, _request| Box::pin(ready(handle(app))),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Which other origins may ask for passkeys (WebAuthn Level 3)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(
        200,
        "The origins, if there are any. Browsers take those of five names at least, `example.com` and `example.de` being one.",
        Some(schema::<RelatedOrigins>),
    )],
    problems: &[(503, "Busy; try again after Retry-After.")],
};

/// What browsers read.
#[derive(Serialize, JsonSchema)]
pub struct RelatedOrigins {
    /// What `passkeys.related_origins` lists.
    origins: Vec<String>,
}

fn handle(app: &App) -> Result<Reply, Problem> {
    let origins = app.config.passkeys.related_origins.clone();
    Ok(Reply::json(StatusCode::OK, &RelatedOrigins { origins })?.public())
}
