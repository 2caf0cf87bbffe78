//! `POST /v1/password/change`: replaces one's own password.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
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
use wardgate::use_cases::accounts::password_change::{ChangePassword, PasswordChangeError, password_change};
use wardgate::use_cases::password_check::PasswordCheckError;

/// What answers `POST /v1/password/change`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "password-change",
    routes: &[Route::post("/v1/password/change")],
    class: Class::Hashing(Reserve::Password),
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::SessionMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Change one's own password",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<PasswordChangeRequest>),
    responses: &[(
        200,
        "The password is changed. Every other session has ended, and no other device is known.",
        Some(schema::<PasswordChangeReply>),
    )],
    problems: &[
        (400, "The current password is wrong, or a member is missing or breaks a rule."),
        (401, "The access token is missing or not valid, its session has ended, or the sign-in is too long ago."),
        (429, "Too many attempts; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// The password that is, and the one that is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChangeRequest {
    /// The present password; left out where the account has none.
    #[schemars(length(max = 256))]
    current_password: Option<String>,
    /// At least 15 and at most 256 characters, or at least 8 where sign-ins ask for a second factor; not a common one, and not
    /// made of the account's own words.
    #[schemars(length(min = 8, max = 256))]
    new_password: String,
    /// The `device_token` of an earlier sign-in from this device, if there was one.
    device_token: Option<String>,
}

/// That it is done.
#[derive(Serialize, JsonSchema)]
pub struct PasswordChangeReply {
    /// `password_changed`.
    status: &'static str,
    /// For this device's next sign-in, as a sign-in answers it: no other device is known any more.
    device_token: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: PasswordChangeRequest = request.json()?;
    let too_long = || Problem::invalid_member("current_password", "too_long", "A password has at most 256 characters.");
    let attempt = |typed| Password::attempt(typed).ok_or_else(too_long);
    let current = body.current_password.as_deref().map(attempt).transpose()?;
    let presented = cookies::device_token(app, &request.headers, body.device_token);
    let change = ChangePassword {
        current: current.as_ref(),
        new_password: &body.new_password,
        device_token: presented.as_deref(),
    };
    let changed = password_change(app, &request.context, request.bearer_token(), change).await;
    let device_token = changed.map_err(problem)?.device_token;
    let kept = cookies::renew_device(app, &request.headers, &device_token)?;
    let mut reply = Reply::json(StatusCode::OK, &PasswordChangeReply { status: "password_changed", device_token })?;
    reply.headers.extend(kept);
    Ok(reply)
}

fn problem(error: PasswordChangeError) -> Problem {
    match error {
        PasswordChangeError::Authenticate(error) => error.into(),
        PasswordChangeError::Current(PasswordCheckError::Wrong) => {
            Problem::invalid_member("current_password", "wrong", "This is not the account's password.")
        }
        PasswordChangeError::Current(error) => error.into(),
        PasswordChangeError::CurrentMissing => {
            Problem::invalid_member("current_password", "missing", "The account has a password: send it along.")
        }
        PasswordChangeError::Password(rejection) => {
            Problem::invalid_member("new_password", rejection.code(), rejection.detail())
        }
        // Somebody else has just changed them: this session is dead.
        PasswordChangeError::Superseded => Problem::invalid_token("The session has ended."),
        PasswordChangeError::Fault(fault) => fault.into(),
    }
}
