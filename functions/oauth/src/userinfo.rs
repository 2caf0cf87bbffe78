//! `GET` and `POST /oauth2/userinfo`: who has signed in (OpenID Connect Core 1.0, 5.3).

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::domain::oauth::parameters::Parameters;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::oauth::{OAuthError, in_oauth_terms, refusal};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::userinfo::{UserinfoError, userinfo};

const PATH: &str = "/oauth2/userinfo";

/// What answers both.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "userinfo",
    routes: &[Route::get(PATH), Route::further("userinfo-by-form", Method::POST, PATH)],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Public,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(async { in_oauth_terms(handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Who has signed in (OpenID Connect Core 1.0)",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[
        (200, "The person, as far as the token's scope goes.", Some(schema::<UserinfoReply>)),
        (401, "The token is missing or not accepted.", Some(schema::<OAuthError>)),
        (403, "The token's scope does not have openid.", Some(schema::<OAuthError>)),
        (503, "Busy; try again after Retry-After.", Some(schema::<OAuthError>)),
    ],
    problems: &[],
};

/// What is told.
#[derive(Serialize, JsonSchema)]
struct UserinfoReply {
    /// The person: the same for every client.
    sub: String,
    /// With the scope `profile`, if the person has told one.
    name: Option<String>,
    /// With the scope `email`.
    email: Option<String>,
    /// With the scope `email`.
    email_verified: Option<bool>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    // RFC 6750, 2.2: in a form, for whoever can set no header; never in the address.
    let is_form = request.require_form().is_ok();
    let parameters = if is_form { Parameters::parse(&request.body) } else { Parameters::default() };
    let by_header = request.bearer_token();
    let in_form = parameters.get("access_token");
    if by_header.is_some() && in_form.is_some() {
        let error_description = "an access token is shown once";
        let challenge = Some(r#"Bearer error="invalid_request""#);
        return refusal(StatusCode::BAD_REQUEST, OAuthError { error: "invalid_request", error_description }, challenge);
    }
    let (status, error, error_description, challenge) =
        match userinfo(app, &request.context, by_header.or(in_form)).await {
            Ok(claims) => return Reply::json(StatusCode::OK, &claims),
            Err(UserinfoError::Missing) => {
                (StatusCode::UNAUTHORIZED, "invalid_request", "an access token is required", "Bearer")
            }
            Err(UserinfoError::InvalidToken(cause)) => {
                tracing::info!(request_id = request.context.request_id, cause, "an access token was refused");
                let challenge = r#"Bearer error="invalid_token""#;
                (StatusCode::UNAUTHORIZED, "invalid_token", "the access token is not accepted", challenge)
            }
            Err(UserinfoError::InsufficientScope) => {
                let challenge = r#"Bearer error="insufficient_scope", scope="openid""#;
                (StatusCode::FORBIDDEN, "insufficient_scope", "the token's scope does not have openid", challenge)
            }
            Err(UserinfoError::Fault(fault)) => return Err(fault.into()),
        };
    refusal(status, OAuthError { error, error_description }, Some(challenge))
}
