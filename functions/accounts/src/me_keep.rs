//! `POST /v1/me/keep`: keeps an account that was to be deleted.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::me_keep::me_keep;

/// What answers `POST /v1/me/keep`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me-keep",
    routes: &[Route::post("/v1/me/keep")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::MailMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Keep an account that was to be deleted, with the mailed link",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<MeKeepRequest>),
    responses: &[(200, "The account is kept. Nobody is signed in.", Some(schema::<MeKeepReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule, or the link is not valid: forged, used, or too late."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What the link brought.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeKeepRequest {
    /// The mailed token.
    token: String,
}

/// What has happened.
#[derive(Serialize, JsonSchema)]
pub struct MeKeepReply {
    /// `account_kept`.
    status: &'static str,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: MeKeepRequest = request.json()?;
    me_keep(app, &request.context, &body.token).await?;
    Reply::json(StatusCode::OK, &MeKeepReply { status: "account_kept" })
}
