//! `POST /v1/mfa/totp/confirm`: sets up an authenticator app, with the first code that it shows.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_totp_confirm::{ConfirmTotp, MfaTotpConfirmError, mfa_totp_confirm};

/// What answers `POST /v1/mfa/totp/confirm`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "mfa-totp-confirm",
    routes: &[Route::post("/v1/mfa/totp/confirm")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::LoginMac, RingName::FactorWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Set up an authenticator app, with the first code that it shows",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<TotpConfirmRequest>),
    responses: &[(200, "It is set up, and this session has shown both factors.", Some(schema::<TotpConfirmReply>))],
    problems: &[
        (400, "The code is wrong, or right for another time; the enrolment has expired; or a member breaks a rule."),
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (409, "The address is not verified; or the account has changed meanwhile."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// The first code.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TotpConfirmRequest {
    /// What `POST /v1/mfa/totp` answered.
    enrolment_token: String,
    /// What the app shows, however it is spaced.
    #[schemars(length(max = 64))]
    code: String,
    /// Whether every other session ends.
    #[serde(default)]
    end_other_sessions: bool,
}

/// That it is done.
#[derive(Serialize, JsonSchema)]
pub struct TotpConfirmReply {
    /// `totp_added`.
    status: &'static str,
    /// Ten codes for the day on which the app is lost, each good once. They come with the first factor, and are shown this
    /// once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    recovery_codes: Vec<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: TotpConfirmRequest = request.json()?;
    let confirm = ConfirmTotp {
        enrolment_token: &body.enrolment_token,
        code: &body.code,
        end_other_sessions: body.end_other_sessions,
    };
    let codes = mfa_totp_confirm(app, &request.context, request.bearer_token(), confirm).await.map_err(problem)?;
    let recovery_codes = codes.iter().map(|code| code.shown().to_string()).collect();
    Reply::json(StatusCode::OK, &TotpConfirmReply { status: "totp_added", recovery_codes })
}

fn problem(error: MfaTotpConfirmError) -> Problem {
    match error {
        MfaTotpConfirmError::Expired => Problem::new(
            StatusCode::BAD_REQUEST,
            "enrolment_expired",
            "The enrolment is no longer valid.",
            "It has expired, or is of another session. Begin again: POST /v1/mfa/totp.",
        ),
        MfaTotpConfirmError::WrongCode => Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_code",
            "The code is not valid.",
            "It is not what the app shows for this secret. Type the present one, or scan the picture again.",
        ),
        MfaTotpConfirmError::ClockSkew { seconds } => {
            let minutes = (seconds.unsigned_abs() + 30) / 60;
            let way = if seconds > 0 { "ahead" } else { "behind" };
            Problem::new(
                StatusCode::BAD_REQUEST,
                "clock_skew",
                "The code is right for another time.",
                format!(
                    "The clock of the device with the app is about {minutes} min {way}. Let it set the time by itself, and type the code that it shows then."
                ),
            )
        }
        MfaTotpConfirmError::Change(error) => error.into(),
        MfaTotpConfirmError::Fault(fault) => fault.into(),
    }
}
