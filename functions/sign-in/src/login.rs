//! `POST /v1/login`: signs in with an address and a password.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::password::Password;
use wardgate::http::cookies::{self, Transport};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Reserve, Route};
use wardgate::http::members;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::signed_in::SignInReply;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login::{Login, login};

/// What answers `POST /v1/login`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login",
    routes: &[Route::post("/v1/login")],
    class: Class::Hashing(Reserve::Login),
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs {
        rings: &[RingName::Signing, RingName::SessionMac, RingName::LoginMac, RingName::PasswordWrap],
        table: true,
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in with an address and a password",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginRequest>),
    responses: &[(200, "Signed in; or a second factor is asked for.", Some(schema::<SignInReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (401, "The address or the password is wrong: which of them is not told."),
        (403, "Cookie mode was asked for by a page of an origin that is not listed."),
        (429, "Too many attempts; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Who signs in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The account's address.
    #[schemars(email)]
    email: String,
    /// Its password.
    #[schemars(length(max = 256))]
    password: String,
    /// The `device_token` of an earlier sign-in from this device, if there was one.
    device_token: Option<String>,
    /// `cookie` puts the refresh token into a cookie instead of the answer: for pages of listed origins.
    #[serde(default)]
    transport: Transport,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: LoginRequest = request.json()?;
    if body.transport == Transport::Cookie {
        cookies::admit_origin(app, &request.headers)?;
    }
    let email = members::email(&body.email)?;
    let password = Password::attempt(&body.password)
        .ok_or_else(|| Problem::invalid_member("password", "too_long", "A password has at most 256 characters."))?;
    let device_token = cookies::device_token(app, &request.headers, body.device_token);
    let step = login(app, &request.context, Login { email, password, device_token }).await?;
    SignInReply::reply(app, step, body.transport)
}
