//! `PATCH /v1/passkeys/{id}`: gives a passkey another name.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::id::FactorId;
use wardgate::domain::name::DisplayName;
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::mfa::PasskeyShown;
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::passkey_update::passkey_update;

/// What answers `PATCH /v1/passkeys/{id}`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "passkey-update",
    routes: &[Route::patch("/v1/passkeys/{id}")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Rename a passkey",
    bearer: Bearer::Required,
    parameters: &[ID],
    request: Body::Required(schema::<PasskeyUpdateRequest>),
    responses: &[(200, "The passkey as it is now.", Some(schema::<PasskeyShown>))],
    problems: &[
        (400, "The name is missing or breaks a rule."),
        (401, "The access token is missing or not valid, or its session has ended."),
        (404, "The caller has no such passkey."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Which passkey.
pub const ID: Parameter = Parameter {
    name: "id",
    location: "path",
    description: "The passkey's id, as `GET /v1/mfa` gives it.",
    schema: schema::<String>,
};

/// What is to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyUpdateRequest {
    /// What its owner calls it.
    #[schemars(length(min = 1, max = 100))]
    name: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: PasskeyUpdateRequest = request.json()?;
    let name = DisplayName::parse(&body.name);
    let name = name.map_err(|error| Problem::invalid_member("name", "invalid", error.to_string()))?;
    let id = FactorId::parse(request.path_parameter("id")).ok();
    let passkey = passkey_update(app, &request.context, request.bearer_token(), id, &name).await?;
    Reply::json(StatusCode::OK, &PasskeyShown::from(passkey))
}
