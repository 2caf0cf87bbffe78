//! `POST /v1/login/email-code/verify`: signs in with a mailed code, or with the token of a mailed link.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::App;
use wardgate::domain::email::Email;
use wardgate::http::cookies::{self, Transport};
use wardgate::http::endpoint::{Endpoint, Needs};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::signed_in::SignedInReply;
use wardgate::secrets::RingName;
use wardgate::use_cases::login_email_code_verify::{
    EmailCodeError, LoginEmailCodeVerify, MailedProof, login_email_code_verify,
};

/// What answers `POST /v1/login/email-code/verify`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login-email-code-verify",
    method: Method::POST,
    path: "/v1/login/email-code/verify",
    needs: Needs { rings: &[RingName::Signing, RingName::SessionMac, RingName::MailMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in with a mailed code, or with the token of the link that came with it",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginEmailCodeVerifyRequest>),
    responses: &[(200, "Signed in.", Some(schema::<SignedInReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The code or the link is wrong, expired or used: which of them is not told."),
        (403, "Cookie mode was asked for by a page of an origin that is not listed."),
        (429, "Too many codes tried; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Either `email` and `code`, or `token`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {
        "required": ["token"],
        "properties": { "token": { "type": "string" }, "email": { "type": "null" }, "code": { "type": "null" } },
    },
    {
        "required": ["email", "code"],
        "properties": { "token": { "type": "null" }, "email": { "type": "string" }, "code": { "type": "string" } },
    },
]))]
pub struct LoginEmailCodeVerifyRequest {
    /// The account's address.
    #[schemars(email)]
    email: Option<String>,
    /// The code, however it is spaced.
    code: Option<String>,
    /// The token of the mailed link.
    token: Option<String>,
    /// The `device_token` of an earlier sign-in from this device, if there was one.
    device_token: Option<String>,
    /// `cookie` puts the refresh token into a cookie instead of the answer: for pages of listed origins.
    #[serde(default)]
    transport: Transport,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: LoginEmailCodeVerifyRequest = request.json()?;
    if body.transport == Transport::Cookie {
        cookies::admit_origin(app, &request.headers)?;
    }
    let proof = proof(body.token, body.email, body.code)?;
    let login = LoginEmailCodeVerify { proof, device_token: body.device_token };
    let signed_in = login_email_code_verify(app, &request.context, login).await.map_err(problem)?;
    SignedInReply::reply(app, signed_in, body.transport)
}

fn proof(token: Option<String>, email: Option<String>, code: Option<String>) -> Result<MailedProof, Problem> {
    let missing = |member| Problem::invalid_member(member, "missing", "Send email and code, or token.");
    match (token, email, code) {
        (Some(token), None, None) => Ok(MailedProof::Token(token)),
        (Some(_), _, _) => Err(Problem::invalid_member("token", "conflict", "Send email and code, or token.")),
        (None, None, _) => Err(missing("email")),
        (None, Some(_), None) => Err(missing("code")),
        (None, Some(email), Some(code)) => {
            let email = Email::parse(&email).map_err(|e| Problem::invalid_member("email", "invalid", e.to_string()))?;
            Ok(MailedProof::Code { email, code })
        }
    }
}

fn problem(error: EmailCodeError) -> Problem {
    match error {
        EmailCodeError::Invalid => Problem::new(
            StatusCode::UNAUTHORIZED,
            "invalid_code",
            "The sign-in failed.",
            "The code or the link is wrong, has expired, or was used. Ask for another.",
        ),
        EmailCodeError::TooManyAttempts { retry_after } => Problem::too_many_attempts(retry_after),
        EmailCodeError::Fault(fault) => fault.into(),
    }
}
