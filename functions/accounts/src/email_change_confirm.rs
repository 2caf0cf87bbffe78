//! `POST /v1/email/change/confirm`: moves an account to its new address with the link that was mailed there.

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
use wardgate::use_cases::accounts::email_change_confirm::email_change_confirm;

/// What answers `POST /v1/email/change/confirm`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "email-change-confirm",
    routes: &[Route::post("/v1/email/change/confirm")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::MailMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Confirm another address",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<EmailChangeConfirmRequest>),
    responses: &[(
        200,
        "The account has the new address, and every session has ended.",
        Some(schema::<EmailChangeConfirmReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule, or the link is not valid."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// The proof that the mailbox is one's own.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChangeConfirmRequest {
    /// What the link in the new mailbox carries.
    token: String,
}

/// The account has moved.
#[derive(Serialize, JsonSchema)]
pub struct EmailChangeConfirmReply {
    /// `email_changed`.
    status: &'static str,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: EmailChangeConfirmRequest = request.json()?;
    email_change_confirm(app, &request.context, &body.token).await?;
    Reply::json(StatusCode::OK, &EmailChangeConfirmReply { status: "email_changed" })
}
