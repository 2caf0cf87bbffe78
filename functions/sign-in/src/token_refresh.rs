//! `POST /v1/token/refresh`: exchanges a refresh token for the session's next pair.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies::{self, Transport};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::signed_in::SignedInReply;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::token_refresh::{TokenRefreshError, token_refresh};

/// What answers `POST /v1/token/refresh`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "token-refresh",
    routes: &[Route::post("/v1/token/refresh")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::Signing, RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Exchange a refresh token for the session's next pair",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<TokenRefreshRequest>),
    responses: &[(
        200,
        "The next pair. Repeated within the grace window, the same refresh token again.",
        Some(schema::<SignedInReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The refresh token is no longer valid: sign in again. A cookie that held it is removed."),
        (403, "A cookie came with a page of an origin that is not listed."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Which session goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRefreshRequest {
    /// The latest refresh token of the session; left out in cookie mode.
    refresh_token: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: TokenRefreshRequest = request.json()?;
    let (token, transport) = match (body.refresh_token, cookies::refresh_token(&request.headers)) {
        (Some(token), _) => (token, Transport::Body),
        (None, Some(token)) => {
            cookies::admit_origin(app, &request.headers)?;
            (token, Transport::Cookie)
        }
        (None, None) => {
            return Err(Problem::invalid_member(
                "refresh_token",
                "missing",
                "This member is required without a cookie.",
            ));
        }
    };
    match token_refresh(app, &request.context, &token).await {
        Ok(refreshed) => SignedInReply::reply(app, refreshed, transport),
        Err(error @ TokenRefreshError::InvalidToken) if transport == Transport::Cookie => {
            Err(cookies::refused(problem(error)))
        }
        Err(error) => Err(problem(error)),
    }
}

fn problem(error: TokenRefreshError) -> Problem {
    match error {
        TokenRefreshError::InvalidToken => {
            Problem::invalid_token("The refresh token is no longer valid. Sign in again.")
        }
        TokenRefreshError::Fault(fault) => fault.into(),
    }
}
