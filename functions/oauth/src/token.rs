//! `POST /oauth2/token`: exchanges what an application has for tokens (RFC 6749, 3.2).

use http::StatusCode;
use http::header::ORIGIN;
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
use wardgate::use_cases::oauth::token::{TokenRequest, token};

/// What answers `POST /oauth2/token`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "token",
    routes: &[Route::post("/oauth2/token")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[RingName::Signing, RingName::SessionMac, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(async { in_oauth_terms(handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Exchange a code or a refresh token for tokens (RFC 6749, OpenID Connect Core 1.0)",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<TokenForm>),
    responses: &[
        (200, "The tokens.", Some(schema::<TokenReply>)),
        (400, "There are none, and why (RFC 6749, 5.2).", Some(schema::<OAuthError>)),
        (
            401,
            "The client is not known, or its secret is wrong: which of them is not told.",
            Some(schema::<OAuthError>),
        ),
        (503, "Busy; try again after Retry-After.", Some(schema::<OAuthError>)),
    ],
    problems: &[],
};

/// What a client sends. Other members are passed over (OC-01).
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "described here, and read as OAuth reads parameters")]
struct TokenForm {
    /// `authorization_code` or `refresh_token`.
    grant_type: String,
    /// The code.
    code: Option<String>,
    /// Where it came: the same as in the request for it.
    redirect_uri: Option<String>,
    /// The refresh token.
    refresh_token: Option<String>,
    /// Fewer scopes than were granted, for this access token alone.
    scope: Option<String>,
    /// What the challenge was made of (RFC 7636).
    code_verifier: Option<String>,
    /// The API that the access token is for; the first one that was asked for, if left out (RFC 8707).
    resource: Option<String>,
    /// The client, where it does not show itself by HTTP Basic.
    client_id: Option<String>,
    /// Its secret, where it has one and does not show it by HTTP Basic.
    client_secret: Option<String>,
}

/// What a client gets.
#[derive(Serialize, JsonSchema)]
struct TokenReply {
    /// A JWT (RFC 9068).
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// How many seconds the access token lives.
    expires_in: u64,
    /// What it allows.
    scope: String,
    /// Who has signed in, where `openid` was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
    /// A sealed token, for clients that may refresh. Of a client without a secret it is another each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    request.require_form()?;
    let parameters = Parameters::parse(&request.body);
    let Some(client) = client_proof(&request.headers) else { return refuse(request, TokenError::InvalidClient) };
    let origin = request.headers.get(ORIGIN).map(|origin| String::from_utf8_lossy(origin.as_bytes()));
    let asked = TokenRequest { parameters: &parameters, client: &client, origin: origin.as_deref() };
    match token(app, &request.context, asked).await {
        Ok(tokens) => Reply::json(
            StatusCode::OK,
            &TokenReply {
                access_token: tokens.access_token,
                token_type: "Bearer",
                expires_in: tokens.expires_in.as_secs(),
                scope: tokens.scope,
                id_token: tokens.id_token,
                refresh_token: tokens.refresh_token,
            },
        ),
        Err(error) => refuse(request, error),
    }
}
