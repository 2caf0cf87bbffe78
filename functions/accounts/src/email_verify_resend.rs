//! `POST /v1/email/verify/resend`: asks for the verification mail again.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::crypto::sealed_token::FlowToken;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::mail_order::{self, MailOrdered};
use wardgate::http::members;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::accounts::email_verify_resend::email_verify_resend;

/// What answers `POST /v1/email/verify/resend`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "email-verify-resend",
    routes: &[Route::post("/v1/email/verify/resend")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for the verification mail again",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<EmailVerifyResendRequest>),
    responses: &[(
        202,
        "Taken. The answer is the same whether or not the address waits to be verified.",
        Some(schema::<MailOrdered>),
    )],
    problems: mail_order::PROBLEMS,
};

/// Whose mail to send again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailVerifyResendRequest {
    /// The address that was registered.
    #[schemars(email)]
    email: String,
    /// What the registration answered with: that registration is mailed again, and its code works with this token. Without
    /// it, the address's newest registration is.
    flow_token: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: EmailVerifyResendRequest = request.json()?;
    let email = members::email(&body.email)?;
    let flow = body.flow_token.as_deref().map(FlowToken::claimed).transpose();
    let flow = flow.map_err(|e| Problem::invalid_member("flow_token", "invalid", e.to_string()))?;
    email_verify_resend(app, &request.context, &email, flow.as_ref()).await?;
    mail_order::taken()
}
