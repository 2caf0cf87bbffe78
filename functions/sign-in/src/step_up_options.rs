//! `POST /v1/step-up/options`: what shows again who one is.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::domain::factors::Method;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::PasskeyOptionsReply;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::step_up_options::step_up_options;

/// What answers `POST /v1/step-up/options`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "step-up-options",
    routes: &[Route::post("/v1/step-up/options")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "What shows again who one is, and the question for a passkey",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "What the account asks for beside the password.", Some(schema::<StepUpOptionsReply>))],
    problems: &[
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What `POST /v1/step-up` asks for beside the password.
#[derive(Serialize, JsonSchema)]
pub struct StepUpOptionsReply {
    /// What the account has: 1, or 2 with a second factor.
    level: u8,
    /// Whether it has a password, which is shown beside the second factor. A passkey that verifies its user is enough in any
    /// case.
    has_password: bool,
    /// Its second factors, strongest first: one of them is to be shown where there are any.
    methods: &'static [Method],
    /// What to ask the authenticator, where there is a passkey.
    passkey: Option<PasskeyOptionsReply>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let options = step_up_options(app, &request.context, request.bearer_token()).await?;
    let reply = StepUpOptionsReply {
        level: options.level.number(),
        has_password: options.has_password,
        methods: options.methods,
        passkey: options.passkey.map(PasskeyOptionsReply::from),
    };
    Reply::json(StatusCode::OK, &reply)
}
