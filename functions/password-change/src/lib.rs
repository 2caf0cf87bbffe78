//! `POST /v1/password/change`: replaces one's own password.

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::App;
use wardgate::domain::password::Password;
use wardgate::http::bearer;
use wardgate::http::endpoint::{Endpoint, Needs};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::password_change::{PasswordChangeError, password_change};
use wardgate::use_cases::password_check::PasswordCheckError;

/// What answers `POST /v1/password/change`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "password-change",
    method: Method::POST,
    path: "/v1/password/change",
    needs: Needs { rings: &[RingName::PublicKeys, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Change one's own password",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<PasswordChangeRequest>),
    responses: &[(204, "The password is changed. Every other session has ended.", None)],
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
    /// The present password.
    #[schemars(length(max = 256))]
    current_password: String,
    /// At least 15 and at most 256 characters; not a common one, and not made of the account's own words.
    #[schemars(length(min = 15, max = 256))]
    new_password: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: PasswordChangeRequest = request.json()?;
    let current = Password::attempt(&body.current_password).ok_or_else(|| {
        Problem::invalid_member("current_password", "too_long", "A password has at most 256 characters.")
    })?;
    let changed = password_change(app, &request.context, request.bearer_token(), &current, &body.new_password).await;
    changed.map_err(problem)?;
    Ok(Reply::no_content())
}

fn problem(error: PasswordChangeError) -> Problem {
    match error {
        PasswordChangeError::Authenticate(error) => error.into(),
        PasswordChangeError::Current(PasswordCheckError::Wrong) => {
            Problem::invalid_member("current_password", "wrong", "This is not the account's password.")
        }
        PasswordChangeError::Current(error) => error.into(),
        PasswordChangeError::Password(rejection) => {
            Problem::invalid_member("new_password", rejection.code(), rejection.detail())
        }
        // Somebody else has just changed them: this session is dead.
        PasswordChangeError::Superseded => Problem::invalid_token("The session has ended."),
        PasswordChangeError::Fault(fault) => fault.into(),
    }
}
