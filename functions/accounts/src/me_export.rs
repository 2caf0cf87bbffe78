//! `GET /v1/me/export`: everything that is held about the caller.

mod document;

use http::StatusCode;
use wardgate::app::{App, Needs};
use wardgate::domain::timestamp::Timestamp;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::me_export::{Export, me_export};

use document::MeExportReply;

/// What answers `GET /v1/me/export`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me-export",
    routes: &[Route::get("/v1/me/export")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Get everything that is held about oneself",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "Everything but what is secret: hashes, tokens and codes.", Some(schema::<MeExportReply>))],
    problems: &[
        (401, "The access token is missing or not valid, its session has ended, or the sign-in is too long ago."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let export = me_export(app, &request.context, request.bearer_token()).await?;
    document(export, request.context.now)
}

/// An export as a file to be saved; a page has it, too.
pub fn document(export: Export, now: Timestamp) -> Result<Reply, Problem> {
    let reply = Reply::json(StatusCode::OK, &MeExportReply::new(export, now))?;
    Ok(reply.attachment(r#"attachment; filename="account.json""#))
}
