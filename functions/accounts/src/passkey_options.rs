//! `POST /v1/passkeys/registration/options`: begins to register a passkey.

use http::StatusCode;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::PasskeyOptionsReply;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::passkey_options::{PasskeyOptionsError, passkey_options};

/// What answers `POST /v1/passkeys/registration/options`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "passkey-options",
    routes: &[Route::post("/v1/passkeys/registration/options")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Begin to register a passkey",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "What to ask the authenticator. Nothing has changed yet.", Some(schema::<PasskeyOptionsReply>))],
    problems: &[
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (409, "The address is not verified; or the account has as many passkeys as it may have."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let options = passkey_options(app, &request.context, request.bearer_token()).await.map_err(problem)?;
    Reply::json(StatusCode::OK, &PasskeyOptionsReply::from(options))
}

fn problem(error: PasskeyOptionsError) -> Problem {
    match error {
        PasskeyOptionsError::TooMany => too_many(),
        PasskeyOptionsError::Change(error) => error.into(),
        PasskeyOptionsError::Fault(fault) => fault.into(),
    }
}

/// As many as an account may have.
pub fn too_many() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "too_many_passkeys",
        "There are too many passkeys.",
        "An account has at most 20. Remove one that is not used any more: GET /v1/mfa shows when each was.",
    )
}
