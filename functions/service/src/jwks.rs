//! `GET /.well-known/jwks.json`: the keys that access tokens verify with (RFC 7517).

use http::StatusCode;
use schemars::JsonSchema;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::service::jwks::jwks;

/// What answers `GET /.well-known/jwks.json`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "jwks",
    routes: &[Route::get("/.well-known/jwks.json")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[RingName::PublicKeys], table: false },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "The keys that access tokens verify with (RFC 7517)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "Every published key: those that sign, signed, or will sign.", Some(schema::<JwkSet>))],
    problems: &[(503, "Busy; try again after Retry-After.")],
};

/// A JWK set; the handler passes on what the key ring publishes.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the reply")]
pub struct JwkSet {
    /// The keys.
    keys: Vec<Jwk>,
}

/// A public key.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the reply")]
struct Jwk {
    /// In the header of the tokens that it verifies.
    kid: String,
    /// `RSA` or `EC`.
    kty: String,
    /// The one algorithm that it verifies.
    alg: String,
    /// `sig`.
    r#use: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    Ok(Reply::json(StatusCode::OK, &jwks(app, &request.context).await?)?.public())
}
