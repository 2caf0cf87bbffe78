//! `POST /v1/logout`: ends the session that a token belongs to.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::logout::{Logout, LogoutError, logout};

/// What answers `POST /v1/logout`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "logout",
    routes: &[Route::post("/v1/logout")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::SessionMac, RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign out: end the session of the refresh token, or else of the access token",
    bearer: Bearer::Optional,
    parameters: &[],
    request: Body::Optional(schema::<LogoutRequest>),
    responses: &[(204, "The session is over; also if it was over before.", None)],
    problems: &[
        (400, "A member breaks a rule."),
        (401, "No token was sent, or one that was never ours. A cookie that held it is removed."),
        (403, "A cookie came with a page of an origin that is not listed."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Which session ends; no body at all means that of the access token.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    /// Any refresh token of the session.
    refresh_token: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: LogoutRequest = request.optional_json()?;
    let cookie = cookies::refresh_token(&request.headers).filter(|_| body.refresh_token.is_none());
    if cookie.is_some() {
        cookies::admit_origin(app, &request.headers)?;
        request.require_json()?;
    }
    let refresh_token = body.refresh_token.as_deref().or(cookie.as_deref());
    let asked = Logout { refresh_token, access_token: request.bearer_token() };
    match logout(app, &request.context, asked).await {
        Ok(()) => {
            let mut reply = Reply::no_content();
            if cookie.is_some() {
                reply.headers.push(cookies::forget()?);
            }
            Ok(reply)
        }
        Err(error @ LogoutError::InvalidToken) if cookie.is_some() => Err(cookies::refused(problem(error))),
        Err(error) => Err(problem(error)),
    }
}

fn problem(error: LogoutError) -> Problem {
    match error {
        LogoutError::Missing => Problem::authentication_required(),
        LogoutError::InvalidToken => Problem::invalid_token("The token is not one of ours."),
        LogoutError::Fault(fault) => fault.into(),
    }
}
