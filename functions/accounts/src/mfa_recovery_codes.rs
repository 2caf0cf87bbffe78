//! `POST /v1/mfa/recovery-codes`: new recovery codes in place of the old ones.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_recovery_codes::mfa_recovery_codes;

/// What answers `POST /v1/mfa/recovery-codes`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "mfa-recovery-codes",
    routes: &[Route::post("/v1/mfa/recovery-codes")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Make new recovery codes, in place of those that there are",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "The codes. Those before are worth nothing.", Some(schema::<RecoveryCodesReply>))],
    problems: &[
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (409, "There is no second factor; or the account has changed meanwhile."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Ten codes.
#[derive(Serialize, JsonSchema)]
pub struct RecoveryCodesReply {
    /// Each is good once. They are shown this once.
    recovery_codes: Vec<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let codes = mfa_recovery_codes(app, &request.context, request.bearer_token()).await?;
    let recovery_codes = codes.iter().map(|code| code.shown().to_string()).collect();
    Reply::json(StatusCode::OK, &RecoveryCodesReply { recovery_codes })
}
