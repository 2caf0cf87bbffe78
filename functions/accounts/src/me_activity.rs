//! `GET /v1/me/activity`: what happened to the caller's account.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::domain::id::AuditId;
use wardgate::http::activity::ActivityReply;
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::paging::{self, Page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::me_activity::{ListActivity, list_activity};

/// What answers `GET /v1/me/activity`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me-activity",
    routes: &[Route::get("/v1/me/activity")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "List what happened to one's own account, newest first",
    bearer: Bearer::Required,
    parameters: &paging::parameters("How many lines a page has at most, 1 to 100; 50 if left out."),
    request: Body::None,
    responses: &[(200, "A page.", Some(schema::<ActivitiesReply>))],
    problems: &[
        (400, "A parameter is unknown or not valid."),
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// A page.
#[derive(Serialize, JsonSchema)]
pub struct ActivitiesReply {
    /// Newest first.
    items: Vec<ActivityReply>,
    /// Give it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let Page { limit, after } = Page::read(request, "lines", AuditId::parse)?;
    let asked = ListActivity { limit: limit.into(), after };
    let found = list_activity(app, &request.context, request.bearer_token(), asked).await?;
    let reply = ActivitiesReply {
        items: found.items.into_iter().map(ActivityReply::from).collect(),
        next_cursor: found.next.map(|id| id.to_string()),
    };
    Reply::json(StatusCode::OK, &reply)
}
