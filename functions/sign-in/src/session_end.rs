//! `DELETE /v1/sessions/{id}`: ends one of the caller's sessions.

use wardgate::app::{App, Needs};
use wardgate::domain::id::SessionId;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::session_end::{EndSessionError, end_session};

/// What answers `DELETE /v1/sessions/{id}`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "session-end",
    routes: &[Route::delete("/v1/sessions/{id}")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "End one of one's own sessions",
    bearer: Bearer::Required,
    parameters: &[Parameter {
        name: "id",
        location: "path",
        description: "The session's id.",
        schema: schema::<String>,
    }],
    request: Body::None,
    responses: &[(204, "It has ended.", None)],
    problems: &[
        (401, "The access token is missing or not valid, or its session has ended."),
        (404, "The caller has no such live session."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let id = SessionId::parse(request.path_parameter("id")).ok();
    end_session(app, &request.context, request.bearer_token(), id).await.map_err(problem)?;
    Ok(Reply::no_content())
}

fn problem(error: EndSessionError) -> Problem {
    match error {
        EndSessionError::NotFound => Problem::not_found("You have no such session, or it has ended before."),
        EndSessionError::Authenticate(error) => error.into(),
        EndSessionError::Fault(fault) => fault.into(),
    }
}
