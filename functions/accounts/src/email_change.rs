//! `POST /v1/email/change`: asks for another address.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::domain::email::Email;
use wardgate::domain::password::Password;
use wardgate::http::bearer;
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::email_change::{EmailChange, EmailChangeError, email_change};

/// What answers `POST /v1/email/change`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "email-change",
    routes: &[Route::post("/v1/email/change")],
    class: Class::Hashing(Reserve::Password),
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::SessionMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for another address",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<EmailChangeRequest>),
    responses: &[(
        202,
        "Taken. The address changes when the mailed link is followed; whether another account has it is not told.",
        Some(schema::<EmailChangeReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The access token is missing or not valid, the sign-in is too long ago, or the password is wrong."),
        (429, "Too many attempts; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Where to, and the proof that it is the owner who asks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChangeRequest {
    /// The address to move to.
    #[schemars(email)]
    new_email: String,
    /// The account's password; left out where it has none.
    #[schemars(length(max = 256))]
    password: Option<String>,
    /// The `device_token` of an earlier sign-in from this device, if there was one: from a device that has been known for
    /// long, the change can be undone for a shorter time.
    device_token: Option<String>,
}

/// What every such request answers.
#[derive(Serialize, JsonSchema)]
pub struct EmailChangeReply {
    /// `verification_sent`.
    status: &'static str,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: EmailChangeRequest = request.json()?;
    let new_email =
        Email::parse(&body.new_email).map_err(|e| Problem::invalid_member("new_email", "invalid", e.to_string()))?;
    let too_long = || Problem::invalid_member("password", "too_long", "A password has at most 256 characters.");
    let attempt = |typed| Password::attempt(typed).ok_or_else(too_long);
    let password = body.password.as_deref().map(attempt).transpose()?;
    let device_token = cookies::device_token(app, &request.headers, body.device_token);
    let change = EmailChange { new_email, password: password.as_ref(), device_token: device_token.as_deref() };
    email_change(app, &request.context, request.bearer_token(), change).await.map_err(problem)?;
    Reply::json(StatusCode::ACCEPTED, &EmailChangeReply { status: "verification_sent" })
}

fn problem(error: EmailChangeError) -> Problem {
    match error {
        EmailChangeError::Authenticate(error) => error.into(),
        EmailChangeError::Unchanged => {
            Problem::invalid_member("new_email", "unchanged", "The account has this address already.")
        }
        EmailChangeError::TooManyChanges { retry_after } => Problem::too_many_attempts(retry_after),
        EmailChangeError::PasswordMissing => {
            Problem::invalid_member("password", "missing", "The account has a password: send it along.")
        }
        EmailChangeError::Password(error) => error.into(),
        EmailChangeError::Fault(fault) => fault.into(),
    }
}
