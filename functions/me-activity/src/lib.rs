//! `GET /v1/me/activity`: what happened to the caller's account.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::App;
use wardgate::domain::id::AuditId;
use wardgate::http::activity::ActivityReply;
use wardgate::http::endpoint::{Endpoint, Needs};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::list_activity::{ListActivity, list_activity};

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 100;

/// What answers `GET /v1/me/activity`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me-activity",
    method: Method::GET,
    path: "/v1/me/activity",
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "List what happened to one's own account, newest first",
    bearer: Bearer::Required,
    parameters: &[
        Parameter {
            name: "limit",
            location: "query",
            description: "How many lines a page has at most, 1 to 100; 50 if left out.",
            schema: schema::<u16>,
        },
        Parameter {
            name: "cursor",
            location: "query",
            description: "The next_cursor of the page before.",
            schema: schema::<String>,
        },
    ],
    request: Body::None,
    responses: &[(200, "A page.", Some(schema::<ActivitiesReply>))],
    problems: &[
        (400, "A parameter is unknown or not valid."),
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    limit: Option<u16>,
    cursor: Option<String>,
}

/// A page.
#[derive(Serialize, JsonSchema)]
pub struct ActivitiesReply {
    /// Newest first.
    items: Vec<ActivityReply>,
    /// Give it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let page: Page = request.query()?;
    let limit = page.limit.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::invalid_member("limit", "out_of_range", "A page has 1 to 100 lines."));
    }
    let after = page.cursor.as_deref().map(AuditId::parse).transpose();
    let after = after.map_err(|_| Problem::invalid_member("cursor", "invalid", "Not a cursor of this list."))?;
    let asked = ListActivity { limit: limit.into(), after };
    let found = list_activity(app, &request.context, request.bearer_token(), asked).await?;
    let reply = ActivitiesReply {
        items: found.items.into_iter().map(ActivityReply::from).collect(),
        next_cursor: found.next.map(|id| id.to_string()),
    };
    Reply::json(StatusCode::OK, &reply)
}
