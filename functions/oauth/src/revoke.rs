//! `POST /oauth2/revoke`: an application ends what it has of a person (RFC 7009).

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::oauth::parameters::Parameters;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::oauth::{OAuthError, client_proof, in_oauth_terms, refuse};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::exchange::TokenError;
use wardgate::use_cases::oauth::revoke::revoke;

/// What answers `POST /oauth2/revoke`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "revoke",
    routes: &[Route::post("/oauth2/revoke")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[RingName::SessionMac, RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(async { in_oauth_terms(handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "End what a token came of (RFC 7009)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<RevokeForm>),
    responses: &[
        (200, "It is ended, or was none of the client's: which of them is not told.", None),
        (400, "The request is none.", Some(schema::<OAuthError>)),
        (401, "The client is not known, or its secret is wrong.", Some(schema::<OAuthError>)),
        (503, "Busy; try again after Retry-After.", Some(schema::<OAuthError>)),
    ],
    problems: &[],
};

/// What a client sends. Other members are passed over (OC-01).
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "described here, and read as OAuth reads parameters")]
struct RevokeForm {
    /// A refresh token, or an access token: what it came of is ended, with all of its tokens.
    token: String,
    /// Passed over: a token says what it is.
    token_type_hint: Option<String>,
    /// The client, where it does not show itself by HTTP Basic.
    client_id: Option<String>,
    /// Its secret, where it has one and does not show it by HTTP Basic.
    client_secret: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    request.require_form()?;
    let parameters = Parameters::parse(&request.body);
    let Some(client) = client_proof(&request.headers) else { return refuse(request, TokenError::InvalidClient) };
    match revoke(app, &request.context, &parameters, &client).await {
        Ok(()) => Ok(Reply { status: StatusCode::OK, headers: Vec::new(), body: Vec::new() }),
        Err(error) => refuse(request, error),
    }
}
