//! `DELETE /v1/me`: lets the caller's account leave.

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
use wardgate::use_cases::accounts::me_delete::me_delete;

/// What answers `DELETE /v1/me`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me-delete",
    routes: &[Route::delete("/v1/me")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Delete one's own account: every session ends now, and it is erased after a time of grace",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(
        202,
        "The account is erased at that time, unless the mailed link is used.",
        Some(schema::<MeDeleteReply>),
    )],
    problems: &[
        (401, "The access token is missing or not valid, its session has ended, or the sign-in is too long ago."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What is going to happen.
#[derive(Serialize, JsonSchema)]
pub struct MeDeleteReply {
    /// `deletion_scheduled`.
    status: &'static str,
    /// When the account is erased (RFC 3339).
    erase_at: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let erase_at = me_delete(app, &request.context, request.bearer_token()).await?;
    let reply = MeDeleteReply { status: "deletion_scheduled", erase_at: erase_at.rfc3339() };
    Reply::json(StatusCode::ACCEPTED, &reply)
}
