//! `GET /ready`: whether requests can be served.

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
use wardgate::use_cases::service::health::ready;

/// What answers `GET /ready`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "ready",
    routes: &[Route::get("/ready")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Whether requests can be served",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "They can.", Some(schema::<ReadyReply>))],
    problems: &[(503, "They cannot: the table does not answer, or no key may sign yet.")],
};

/// The service is ready.
#[derive(Serialize, JsonSchema)]
pub struct ReadyReply {
    /// `ready`.
    status: &'static str,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    // Whatever is missing, the answer is the same: not now.
    ready(app, &request.context).await.map_err(Problem::unavailable)?;
    Reply::json(StatusCode::OK, &ReadyReply { status: "ready" })
}
