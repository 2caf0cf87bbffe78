//! `GET /v1/me`: the caller's profile.

use http::StatusCode;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::me::MeReply;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::me::me;

/// What answers `GET /v1/me`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me",
    routes: &[Route::get("/v1/me")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Read one's own profile",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "The profile.", Some(schema::<MeReply>))],
    problems: &[
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let user = me(app, &request.context, request.bearer_token()).await?;
    Reply::json(StatusCode::OK, &MeReply::from(user))
}
