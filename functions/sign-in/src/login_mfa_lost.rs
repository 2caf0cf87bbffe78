//! `POST /v1/login/mfa/lost`: says, in place of the second step, that all second factors are lost.

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
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_mfa_lost::{LossAnswer, login_mfa_lost};

/// What answers `POST /v1/login/mfa/lost`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login-mfa-lost",
    routes: &[Route::post("/v1/login/mfa/lost")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Say that all second factors are lost, after `mfa_required`",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginMfaLostRequest>),
    responses: &[(
        202,
        "The wait has begun or goes on, and the owner was told; or it is over, and a mail is on its way.",
        Some(schema::<LoginMfaLostReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The token has expired or was used: the sign-in begins again."),
        (403, "Whoever runs the service has to allow it first."),
        (409, "The account has another address since lately, and nobody could be told of it at the former one."),
        (429, "Too many attempts."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Whose factors are lost.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginMfaLostRequest {
    /// What the first step answered.
    mfa_token: String,
}

/// What is so now.
#[derive(Serialize, JsonSchema)]
pub struct LoginMfaLostReply {
    /// `waiting`, or `mail_sent`.
    status: &'static str,
    /// While waiting: when to say it again, in RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    available_at: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: LoginMfaLostRequest = request.json()?;
    let reply = match login_mfa_lost(app, &request.context, &body.mfa_token).await? {
        LossAnswer::Waiting { available_at } => {
            LoginMfaLostReply { status: "waiting", available_at: Some(available_at.rfc3339()) }
        }
        LossAnswer::MailSent => LoginMfaLostReply { status: "mail_sent", available_at: None },
    };
    Reply::json(StatusCode::ACCEPTED, &reply)
}
