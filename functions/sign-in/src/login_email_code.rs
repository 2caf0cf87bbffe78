//! `POST /v1/login/email-code`: mails a code to sign in with.

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
use wardgate::use_cases::sign_in::login_email_code::{admit, login_email_code};

/// What answers `POST /v1/login/email-code`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login-email-code",
    routes: &[Route::post("/v1/login/email-code")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::LoginMac, RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for a code by mail to sign in with",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginEmailCodeRequest>),
    responses: &[(
        202,
        "Taken. Whether the address has an account, and whether a mail goes out, is not told.",
        Some(schema::<LoginEmailCodeReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (403, "Signing in by mail is switched off."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Who wants to sign in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginEmailCodeRequest {
    /// The account's address.
    #[schemars(email)]
    email: String,
    /// The `device_token` of an earlier sign-in from this device, if there was one: its mails are counted apart.
    device_token: Option<String>,
}

/// The answer, whatever the address.
#[derive(Serialize, JsonSchema)]
pub struct LoginEmailCodeReply {
    /// `accepted`.
    status: &'static str,
    /// Keep it until the sign-in: the code of this request's mail works only together with it. Pages of listed origins have
    /// it in a cookie as well.
    flow_token: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    admit(app)?;
    let body: LoginEmailCodeRequest = request.json()?;
    let email = members::email(&body.email)?;
    let ordered = login_email_code(app, &request.context, &email, body.device_token.as_deref()).await?;
    let reply = LoginEmailCodeReply { status: "accepted", flow_token: ordered.flow_token.clone() };
    let mut reply = Reply::json(StatusCode::ACCEPTED, &reply)?;
    // For the page that the mail links to, in this browser. Programs have no origin, and keep the token themselves.
    if cookies::admit_origin(app, &request.headers).is_ok() {
        reply.headers.push(cookies::keep_code_flow(app, &ordered.flow_token)?);
    }
    Ok(reply)
}
