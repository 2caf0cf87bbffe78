//! `POST /v1/step-up`: shows again who one is, in the session that one has (RFC 9470).

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::domain::factors::Method;
use wardgate::domain::password::Password;
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::{AssertionCredential, second_proof};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::password_check::PasswordCheckError;
use wardgate::use_cases::sign_in::step_up::{StepUp, StepUpError, step_up};

/// What answers `POST /v1/step-up`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "step-up",
    routes: &[Route::post("/v1/step-up")],
    class: Class::Hashing(Reserve::Password),
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs {
        rings: &[
            RingName::PublicKeys,
            RingName::Signing,
            RingName::LoginMac,
            RingName::PasswordWrap,
            RingName::FactorWrap,
        ],
        table: true,
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Show again who one is, for what needs a recent sign-in",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<StepUpRequest>),
    responses: &[(
        200,
        "The next access token of the same session. Its refresh token stays as it is.",
        Some(schema::<SteppedUpReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (
            401,
            "The access token is missing or not valid, its session has ended, the password or the second factor is wrong, or \
             a second factor is missing.",
        ),
        (429, "Too many attempts; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What shows it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUpRequest {
    /// The account's password; left out where a passkey that verifies its user is shown in place of everything else.
    #[schemars(length(max = 256))]
    password: Option<String>,
    /// Which second factor it is, where the account has one: `methods` of the refusal that asked for it.
    method: Option<Method>,
    /// Of an app and of recovery codes: the code, however it is spaced.
    #[schemars(length(max = 64))]
    code: Option<String>,
    /// Of a passkey: what it has signed, of `POST /v1/step-up/options`.
    credential: Option<AssertionCredential>,
}

/// The access token that says so.
#[derive(Serialize, JsonSchema)]
pub struct SteppedUpReply {
    /// `stepped_up`.
    status: &'static str,
    /// A JWT (RFC 9068) for the `Authorization` header, in place of the one before.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// The access token's life, in seconds.
    expires_in: u64,
    /// When the person showed who they are, in seconds since 1970.
    auth_time: i64,
    /// How sure that makes us: `urn:wardgate:1fa`, `urn:wardgate:2fa`, or `phr` with a passkey.
    acr: &'static str,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: StepUpRequest = request.json()?;
    // As any other wrong one, but there is nothing to compare.
    let password =
        body.password.as_deref().map(|typed| Password::attempt(typed).ok_or_else(wrong_password)).transpose()?;
    let second = match body.method {
        Some(method) => Some(second_proof(method, body.code, body.credential)?),
        None if body.code.is_none() && body.credential.is_none() => None,
        None => return Err(Problem::invalid_member("method", "missing", "Say which second factor it is.")),
    };
    let shown = StepUp { password, second };
    let stepped_up = step_up(app, &request.context, request.bearer_token(), &shown).await.map_err(problem)?;
    Reply::json(
        StatusCode::OK,
        &SteppedUpReply {
            status: "stepped_up",
            access_token: stepped_up.access_token,
            token_type: "Bearer",
            expires_in: stepped_up.expires_in.as_secs(),
            auth_time: stepped_up.authenticated_at.unix_seconds(),
            acr: stepped_up.acr,
        },
    )
}

fn wrong_password() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "invalid_credentials",
        "The password is wrong.",
        "This is not the account's password. The session is as it was.",
    )
}

fn problem(error: StepUpError) -> Problem {
    match error {
        StepUpError::Authenticate(error) => error.into(),
        StepUpError::Password(PasswordCheckError::Wrong) => wrong_password(),
        StepUpError::Password(error) => error.into(),
        StepUpError::PasswordMissing => {
            Problem::invalid_member("password", "missing", "Send the password, or show a passkey in its place.")
        }
        StepUpError::SecondFactor(error) => error.into(),
        StepUpError::Fault(fault) => fault.into(),
    }
}
