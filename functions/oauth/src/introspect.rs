//! `POST /oauth2/introspect`: whether a token is good, for the API that it is for (RFC 7662).

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
use wardgate::use_cases::oauth::introspect::introspect;

/// What answers `POST /oauth2/introspect`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "introspect",
    routes: &[Route::post("/oauth2/introspect")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[RingName::SessionMac, RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(async { in_oauth_terms(handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Whether a token is good (RFC 7662)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<IntrospectForm>),
    responses: &[
        (200, "What the token is, or that it is not good.", Some(schema::<IntrospectReply>)),
        (400, "The request is none, or the client keeps no secret.", Some(schema::<OAuthError>)),
        (401, "The client is not known, or its secret is wrong.", Some(schema::<OAuthError>)),
        (503, "Busy; try again after Retry-After.", Some(schema::<OAuthError>)),
    ],
    problems: &[],
};

/// What a client sends. Other members are passed over (OC-01).
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "described here, and read as OAuth reads parameters")]
struct IntrospectForm {
    /// An access token for the asker's API; or an access or refresh token of the asker's own.
    token: String,
    /// Passed over: a token says what it is.
    token_type_hint: Option<String>,
    /// The client, where it does not show itself by HTTP Basic.
    client_id: Option<String>,
    /// Its secret, where it does not show it by HTTP Basic.
    client_secret: Option<String>,
}

/// What is told. Of a token that is not good nothing but that.
#[derive(Serialize, JsonSchema)]
struct IntrospectReply {
    /// Whether it is good now, and what it came of still lives.
    active: bool,
    /// Whose token it is.
    client_id: Option<String>,
    /// The person.
    sub: Option<String>,
    /// The API, of an access token.
    aud: Option<Vec<String>>,
    /// What it allows.
    scope: Option<String>,
    /// The issuer.
    iss: Option<String>,
    /// Until when, in seconds since 1970.
    exp: Option<i64>,
    /// Since when, of an access token.
    iat: Option<i64>,
    /// The access token's own id.
    jti: Option<String>,
    /// `Bearer`, of an access token.
    token_type: Option<String>,
    /// When the person signed in, of an access token.
    auth_time: Option<i64>,
    /// How (RFC 8176), of an access token.
    amr: Option<Vec<String>>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    request.require_form()?;
    let parameters = Parameters::parse(&request.body);
    let Some(client) = client_proof(&request.headers) else { return refuse(request, TokenError::InvalidClient) };
    match introspect(app, &request.context, &parameters, &client).await {
        Ok(told) => Reply::json(StatusCode::OK, &told),
        Err(error) => refuse(request, error),
    }
}
