//! `PATCH /v1/mfa`: whether sign-ins ask for the second factor.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::mfa::MfaReply;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_update::mfa_update;

/// What answers `PATCH /v1/mfa`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "mfa-update",
    routes: &[Route::patch("/v1/mfa")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Say whether signing in asks for a second factor",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<MfaUpdateRequest>),
    responses: &[(200, "The second factors, as they are now.", Some(schema::<MfaReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (
            409,
            "There is no second factor, or the password is too short or not there to stand alone; or the account has changed meanwhile.",
        ),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MfaUpdateRequest {
    /// Whether a sign-in asks for a second factor. What is delicate does in any case.
    second_factor: bool,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: MfaUpdateRequest = request.json()?;
    let mfa = mfa_update(app, &request.context, request.bearer_token(), body.second_factor).await?;
    Reply::json(StatusCode::OK, &MfaReply::from(mfa))
}
