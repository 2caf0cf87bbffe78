//! `POST /v1/password/reset`: sets a new password with a mailed link.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::password_reset::{PasswordReset, PasswordResetError, PasswordSet, password_reset};

/// What answers `POST /v1/password/reset`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "password-reset",
    routes: &[Route::post("/v1/password/reset")],
    class: Class::Hashing(Reserve::Password),
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::MailMac, RingName::SessionMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Set a new password with a mailed link",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<PasswordResetRequest>),
    responses: &[(
        200,
        "The password is set, and every session has ended. Nobody is signed in.",
        Some(schema::<PasswordResetReply>),
    )],
    problems: &[
        (400, "The link is no longer valid, or a member is missing or breaks a rule."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// The link's token, and the password that is to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    /// What follows `?token=` in the mailed link.
    token: String,
    /// At least 15 and at most 256 characters; not a common one, and not made of the account's own words.
    #[schemars(length(min = 15, max = 256))]
    new_password: String,
}

/// That it is done.
#[derive(Serialize, JsonSchema)]
pub struct PasswordResetReply {
    /// `password_reset`.
    status: &'static str,
    /// For this device's next sign-in, as a sign-in answers it: no other device is known any more.
    device_token: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: PasswordResetRequest = request.json()?;
    let reset = password_reset(app, &request.context, &body.token, &body.new_password).await.map_err(problem)?;
    // Only a page can repeat.
    let PasswordReset::Set(PasswordSet { device_token }, _) = reset else { return Err(Problem::invalid_link()) };
    Reply::json(StatusCode::OK, &PasswordResetReply { status: "password_reset", device_token })
}

fn problem(error: PasswordResetError) -> Problem {
    match error {
        PasswordResetError::InvalidToken => Problem::invalid_link(),
        PasswordResetError::Password(rejection, _) => {
            Problem::invalid_member("new_password", rejection.code(), rejection.detail())
        }
        PasswordResetError::Fault(fault) => fault.into(),
    }
}
