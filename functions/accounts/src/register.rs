//! `POST /v1/register`: asks for an account.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::domain::name::DisplayName;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, members};
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::register::{Register, admit, register};

/// What answers `POST /v1/register`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "register",
    routes: &[Route::post("/v1/register")],
    class: Class::Hashing(Reserve::Register),
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::LoginMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for an account",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<RegisterRequest>),
    responses: &[(
        202,
        "Taken. The answer is the same whether or not the address has an account.",
        Some(schema::<RegisterReply>),
    )],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (403, "Sign-up is closed."),
        (429, "Too many registrations of this address or from this source."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// Who asks for an account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// The address that will sign in.
    #[schemars(email)]
    email: String,
    /// At least 15 and at most 256 characters; not a common one, and not made of the account's own words.
    #[schemars(length(min = 15, max = 256))]
    password: String,
    /// The person's name.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
}

/// What every registration answers.
#[derive(Serialize, JsonSchema)]
pub struct RegisterReply {
    /// `verification_sent`.
    status: &'static str,
    /// Keep it until the address is verified: only with it does verifying activate the password.
    flow_token: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    admit(app)?;
    let body: RegisterRequest = request.json()?;
    let email = members::email(&body.email)?;
    let name = body.name.as_deref().map(DisplayName::parse).transpose();
    let name = name.map_err(|error| Problem::invalid_member("name", "invalid", error.to_string()))?;
    let asked = Register { email, password: &body.password, name };
    let registered = register(app, &request.context, asked).await?;
    let reply = RegisterReply { status: "verification_sent", flow_token: registered.flow_token.clone() };
    let mut reply = Reply::json(StatusCode::ACCEPTED, &reply)?;
    // For the page that the mail links to, in this browser. Programs have no origin, and keep the token themselves.
    if cookies::admit_origin(app, &request.headers).is_ok() {
        reply.headers.push(cookies::keep_flow(app, &registered.flow_token)?);
    }
    Ok(reply)
}
