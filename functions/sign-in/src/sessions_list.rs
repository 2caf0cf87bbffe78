//! `GET /v1/sessions`: the caller's sessions.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::domain::device::device_name;
use wardgate::domain::id::SessionId;
use wardgate::domain::session::Session;
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::paging::{self, Page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::sessions_list::{ListSessions, list_sessions};

/// What answers `GET /v1/sessions`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "sessions-list",
    routes: &[Route::get("/v1/sessions")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "List one's own sessions, newest first",
    bearer: Bearer::Required,
    parameters: &paging::parameters("How many sessions to look at, 1 to 100; 50 if left out."),
    request: Body::None,
    responses: &[(
        200,
        "A page of live sessions. It may be short, or empty, and still have a next one.",
        Some(schema::<SessionsReply>),
    )],
    problems: &[
        (400, "A parameter is unknown or not valid."),
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// A page.
#[derive(Serialize, JsonSchema)]
pub struct SessionsReply {
    /// Newest first.
    items: Vec<SessionReply>,
    /// Give it as `cursor` for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A session.
#[derive(Serialize, JsonSchema)]
pub struct SessionReply {
    /// `ses_…`
    id: String,
    /// Whether this request belongs to it.
    current: bool,
    /// When the person signed in (RFC 3339).
    created_at: String,
    /// When it was last refreshed (RFC 3339).
    last_used_at: String,
    /// When it ends at the latest (RFC 3339).
    expires_at: String,
    /// The address of the last sign-in or refresh.
    address: Option<String>,
    /// What to call the device of the last sign-in or refresh: `Firefox on Linux`.
    device: String,
    /// The user agent of the last sign-in or refresh.
    user_agent: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let Page { limit, after } = Page::read(request, "sessions", SessionId::parse)?;
    let asked = ListSessions { limit, after };
    let found = list_sessions(app, &request.context, request.bearer_token(), asked).await?;
    let reply = SessionsReply {
        items: found.items.into_iter().map(|session| describe(session, found.current)).collect(),
        next_cursor: found.next.map(|id| id.to_string()),
    };
    Reply::json(StatusCode::OK, &reply)
}

fn describe(session: Session, current: SessionId) -> SessionReply {
    SessionReply {
        id: session.id.to_string(),
        current: session.id == current,
        created_at: session.created_at.rfc3339(),
        last_used_at: session.rotated_at.rfc3339(),
        expires_at: session.expires_at.rfc3339(),
        address: session.address,
        device: device_name(session.user_agent.as_deref()),
        user_agent: session.user_agent,
    }
}
