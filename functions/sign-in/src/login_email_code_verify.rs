//! `POST /v1/login/email-code/verify`: signs in with a mailed code, or with the token of a mailed link.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies::{self, Transport};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::members;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::signed_in::SignInReply;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_email_code_verify::{
    LoginEmailCodeVerify, MailedProof, login_email_code_verify,
};

/// What answers `POST /v1/login/email-code/verify`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login-email-code-verify",
    routes: &[Route::post("/v1/login/email-code/verify")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs {
        rings: &[RingName::Signing, RingName::SessionMac, RingName::MailMac, RingName::LoginMac],
        table: true,
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in with a mailed code, or with the token of the link that came with it",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginEmailCodeVerifyRequest>),
    responses: &[(200, "Signed in; or a second factor is asked for.", Some(schema::<SignInReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The code or the link is wrong, expired or used: which of them is not told."),
        (
            403,
            "Cookie mode was asked for by a page of an origin that is not listed; or the link was asked for elsewhere, and \
             the code of its mail has to be typed.",
        ),
        (429, "Too many codes tried; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Either `email`, `code` and `flow_token`; or `token` with `flow_token`, or elsewhere with `code`.
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
    /// What the request for the mail answered. A page of a listed origin may leave it to the cookie.
    flow_token: Option<String>,
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
    let cookie = cookies::code_flow_token(&request.headers);
    let flow_token = cookies::flow_of(app, &request.headers, body.flow_token, cookie.clone());
    let proof = proof(body.token, body.email, body.code, flow_token.is_some())?;
    let device_token = cookies::device_token(app, &request.headers, body.device_token);
    let login = LoginEmailCodeVerify { proof, flow_token, device_token };
    let step = login_email_code_verify(app, &request.context, login).await?;
    let mut reply = SignInReply::reply(app, step, body.transport)?;
    if cookie.is_some() && cookies::admit_origin(app, &request.headers).is_ok() {
        reply.headers.push(cookies::forget_code_flow()?);
    }
    Ok(reply)
}

fn proof(
    token: Option<String>,
    email: Option<String>,
    code: Option<String>,
    in_flow: bool,
) -> Result<MailedProof, Problem> {
    let rule = "Send email, code and flow_token; or token with flow_token or code.";
    let missing = |member| Problem::invalid_member(member, "missing", rule);
    match (token, email, code) {
        (Some(_), Some(_), _) => Err(Problem::invalid_member("token", "conflict", rule)),
        (Some(_), None, None) | (None, Some(_), Some(_)) if !in_flow => Err(missing("flow_token")),
        (Some(token), None, code) => Ok(MailedProof::Link { token, code }),
        (None, None, _) => Err(missing("email")),
        (None, Some(_), None) => Err(missing("code")),
        (None, Some(email), Some(code)) => {
            let email = members::email(&email)?;
            Ok(MailedProof::Code { email, code })
        }
    }
}
