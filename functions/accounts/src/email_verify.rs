//! `POST /v1/email/verify`: shows with a mailed link or code that an address is one's own.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, members};
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::email_verify::{EmailVerified, EmailVerifyError, Proof, email_verify};

/// What answers `POST /v1/email/verify`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "email-verify",
    routes: &[Route::post("/v1/email/verify")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::MailMac, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Verify an address with what was mailed to it",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<EmailVerifyRequest>),
    responses: &[(200, "The account is there.", Some(schema::<EmailVerifyReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule, or the link or the code is not valid."),
        (429, "Too many attempts; this code was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Either `token`, or `email`, `code` and `flow_token`.
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
pub struct EmailVerifyRequest {
    /// What the mailed link carries.
    token: Option<String>,
    /// The address that the code was mailed to.
    #[schemars(email)]
    email: Option<String>,
    /// The eight digits that were mailed.
    code: Option<String>,
    /// What the registration answered. A link without it begins an account without a password; a code needs it. A page of a
    /// listed origin may leave it to the cookie.
    flow_token: Option<String>,
}

/// How the address was verified.
#[derive(Serialize, JsonSchema)]
pub struct EmailVerifyReply {
    /// `verified`, or `password_required` where the flow token is not the registration's own.
    status: &'static str,
    /// Sets the password: `POST /v1/password/reset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_token: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: EmailVerifyRequest = request.json()?;
    let cookie = cookies::flow_token(&request.headers);
    let flow_token = cookies::flow_of(app, &request.headers, body.flow_token.clone(), cookie);
    let verified =
        email_verify(app, &request.context, proof(&body, flow_token.is_some())?, flow_token.as_deref()).await;
    let reply = match verified.map_err(problem)? {
        EmailVerified::Verified { .. } => EmailVerifyReply { status: "verified", reset_token: None },
        EmailVerified::PasswordRequired { reset_token, .. } => {
            EmailVerifyReply { status: "password_required", reset_token: Some(reset_token) }
        }
    };
    Reply::json(StatusCode::OK, &reply)
}

fn proof(body: &EmailVerifyRequest, in_flow: bool) -> Result<Proof<'_>, Problem> {
    let missing =
        |member| Problem::invalid_member(member, "missing", "Send either token, or email, code and flow_token.");
    match (&body.token, &body.email, &body.code) {
        (Some(token), None, None) => Ok(Proof::Link(token)),
        (None, Some(_), Some(_)) if !in_flow => Err(missing("flow_token")),
        (None, Some(email), Some(code)) => {
            let email = members::email(email)?;
            Ok(Proof::Code { email, code })
        }
        (None, Some(_), None) => Err(missing("code")),
        (None, None, Some(_)) => Err(missing("email")),
        (None, None, None) => Err(missing("token")),
        (Some(_), ..) => Err(Problem::invalid_member(
            "token",
            "conflict",
            "Send either token, or email, code and flow_token, not both.",
        )),
    }
}

fn problem(error: EmailVerifyError) -> Problem {
    match error {
        EmailVerifyError::InvalidLink => Problem::invalid_link(),
        EmailVerifyError::InvalidCode => Problem::invalid_code(),
        EmailVerifyError::TooManyAttempts { retry_after } => Problem::too_many_attempts(retry_after),
        EmailVerifyError::Fault(fault) => fault.into(),
    }
}
