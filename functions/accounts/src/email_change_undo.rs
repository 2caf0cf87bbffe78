//! `POST /v1/email/change/undo`: takes an account back to the address that it was moved from.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::email_change_undo::email_change_undo;

/// What answers `POST /v1/email/change/undo`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "email-change-undo",
    routes: &[Route::post("/v1/email/change/undo")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::MailMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Undo a change of address",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<EmailChangeUndoRequest>),
    responses: &[(
        200,
        "The account has its old address again and no password, and every session has ended.",
        Some(schema::<EmailChangeUndoReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule, or the link is not valid."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// The proof that the mailbox is one's own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChangeUndoRequest {
    /// What the link in the old mailbox carries.
    token: String,
}

/// The account has moved.
#[derive(Serialize, JsonSchema)]
pub struct EmailChangeUndoReply {
    /// `email_change_undone`.
    status: &'static str,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: EmailChangeUndoRequest = request.json()?;
    email_change_undo(app, &request.context, &body.token).await?;
    Reply::json(StatusCode::OK, &EmailChangeUndoReply { status: "email_change_undone" })
}
