//! `GET /v1/mfa`: what one's account can be opened with beside the password.

use http::StatusCode;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::mfa::MfaReply;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_show::mfa_show;

/// What answers `GET /v1/mfa`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "mfa-show",
    routes: &[Route::get("/v1/mfa")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Show one's own second factors",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "The second factors.", Some(schema::<MfaReply>))],
    problems: &[
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let mfa = mfa_show(app, &request.context, request.bearer_token()).await?;
    Reply::json(StatusCode::OK, &MfaReply::from(mfa))
}
