//! `DELETE /v1/sessions`: ends all of the caller's sessions but the one that asks.

use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::sessions_end_others::end_other_sessions;

/// What answers `DELETE /v1/sessions`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "sessions-end-others",
    routes: &[Route::delete("/v1/sessions")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "End all of one's own sessions but this one",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(204, "All others have ended.", None)],
    problems: &[
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    end_other_sessions(app, &request.context, request.bearer_token()).await?;
    Ok(Reply::no_content())
}
