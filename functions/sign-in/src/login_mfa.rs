//! `POST /v1/login/mfa`: the second step of a sign-in.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::factors::Method;
use wardgate::http::cookies::{self, Transport};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::{AssertionCredential, second_proof};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::signed_in::SignedInReply;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_mfa::{LoginMfa, login_mfa};

/// What answers `POST /v1/login/mfa`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "login-mfa",
    routes: &[Route::post("/v1/login/mfa")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs {
        rings: &[RingName::Signing, RingName::SessionMac, RingName::LoginMac, RingName::FactorWrap],
        table: true,
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in: the second factor, after `mfa_required`",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<LoginMfaRequest>),
    responses: &[(200, "Signed in.", Some(schema::<SignedInReply>))],
    problems: &[
        (400, "A member is missing or breaks a rule."),
        (
            401,
            "The second factor is wrong or was used before, and another can be shown with the same token; or the token has \
             expired or was used, and the sign-in begins again.",
        ),
        (403, "Cookie mode was asked for by a page of an origin that is not listed."),
        (429, "Too many attempts; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// The second factor.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginMfaRequest {
    /// What the first step answered.
    mfa_token: String,
    /// Which factor it is: one of `methods`.
    method: Method,
    /// Of an app and of recovery codes: the code, however it is spaced.
    #[schemars(length(max = 64))]
    code: Option<String>,
    /// Of a passkey: what it has signed, of `POST /v1/login/mfa/options`.
    credential: Option<AssertionCredential>,
    /// The `device_token` of an earlier sign-in from this device, if there was one.
    device_token: Option<String>,
    /// Whether this device is not to be asked for a second factor for `remember_device_days`; nothing where there are none.
    #[serde(default)]
    remember_device: bool,
    /// `cookie` puts the refresh token into a cookie instead of the answer: for pages of listed origins.
    #[serde(default)]
    transport: Transport,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: LoginMfaRequest = request.json()?;
    if body.transport == Transport::Cookie {
        cookies::admit_origin(app, &request.headers)?;
    }
    let device_token = cookies::device_token(app, &request.headers, body.device_token);
    let proof = second_proof(body.method, body.code, body.credential)?;
    let login = LoginMfa { mfa_token: body.mfa_token, proof, device_token, remember_device: body.remember_device };
    let by_two = login_mfa(app, &request.context, login).await?;
    SignedInReply::reply_with(app, by_two.signed_in, body.transport, by_two.recovery_codes_left)
}
