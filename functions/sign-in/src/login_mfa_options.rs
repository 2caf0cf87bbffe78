//! `POST /v1/login/mfa/options`: asks for a passkey as the second step of a sign-in.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::PasskeyOptionsReply;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_mfa_options::{LoginMfaOptionsError, login_mfa_options};

/// What answers `POST /v1/login/mfa/options`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login-mfa-options",
    routes: &[Route::post("/v1/login/mfa/options")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in: the question for a passkey, after `mfa_required`",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginMfaOptionsRequest>),
    responses: &[(200, "What to ask the authenticator.", Some(schema::<PasskeyOptionsReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The token has expired or was used: the sign-in begins again."),
        (409, "The account has no passkey that works here."),
        (429, "Too many attempts."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Which sign-in it is for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginMfaOptionsRequest {
    /// What the first step answered.
    mfa_token: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: LoginMfaOptionsRequest = request.json()?;
    let options = login_mfa_options(app, &request.context, &body.mfa_token).await.map_err(problem)?;
    Reply::json(StatusCode::OK, &PasskeyOptionsReply::from(options))
}

fn problem(error: LoginMfaOptionsError) -> Problem {
    match error {
        LoginMfaOptionsError::First(error) => error.into(),
        LoginMfaOptionsError::NoPasskey => Problem::new(
            StatusCode::CONFLICT,
            "no_passkey",
            "There is no passkey.",
            "The account has none that works here. Show another of its second factors.",
        ),
        LoginMfaOptionsError::Fault(fault) => fault.into(),
    }
}
