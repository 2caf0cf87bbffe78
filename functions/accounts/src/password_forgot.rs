//! `POST /v1/password/forgot`: asks for a link to set a new password.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::mail_order::{self, MailOrdered};
use wardgate::http::members;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::password_forgot::password_forgot;

/// What answers `POST /v1/password/forgot`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "password-forgot",
    routes: &[Route::post("/v1/password/forgot")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for a link to set a new password",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<PasswordForgotRequest>),
    responses: &[(
        202,
        "Taken. The answer is the same whether or not the address has an account.",
        Some(schema::<MailOrdered>),
    )],
    problems: mail_order::PROBLEMS,
};

/// Whose password is forgotten.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordForgotRequest {
    /// The account's address.
    #[schemars(email)]
    email: String,
    /// The `device_token` of an earlier sign-in from this device, if there was one: its mails are counted apart.
    device_token: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: PasswordForgotRequest = request.json()?;
    let email = members::email(&body.email)?;
    password_forgot(app, &request.context, &email, body.device_token.as_deref()).await?;
    mail_order::taken()
}
