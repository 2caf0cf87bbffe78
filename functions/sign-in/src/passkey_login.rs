//! `POST /v1/passkeys/login`: signs in with a passkey alone.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies::{self, Transport};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::{AssertionCredential, no_credential};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::signed_in::SignedInReply;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::passkey_login::{PasskeyLogin, passkey_login};

/// What answers `POST /v1/passkeys/login`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "passkey-login",
    routes: &[Route::post("/v1/passkeys/login")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::Signing, RingName::SessionMac, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in with a passkey alone",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Required(schema::<PasskeyLoginRequest>),
    responses: &[(200, "Signed in, with all that the account has.", Some(schema::<SignedInReply>))],
    problems: &[
        (400, "The challenge has expired, or a member is missing or breaks a rule."),
        (
            401,
            "Nobody has this passkey (`unknown_passkey`), or it is not accepted (`invalid_passkey`): one that has never verified \
             its user signs in after the password.",
        ),
        (403, "Cookie mode was asked for by a page of an origin that is not listed."),
        (429, "Too many attempts; this one was not evaluated."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What a passkey has signed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLoginRequest {
    /// What it has signed, of `POST /v1/passkeys/login/options`.
    credential: AssertionCredential,
    /// The `device_token` of an earlier sign-in from this device, if there was one.
    device_token: Option<String>,
    /// `cookie` puts the refresh token into a cookie instead of the answer: for pages of listed origins.
    #[serde(default)]
    transport: Transport,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let body: PasskeyLoginRequest = request.json()?;
    if body.transport == Transport::Cookie {
        cookies::admit_origin(app, &request.headers)?;
    }
    let shown = body.credential.shown().ok_or_else(no_credential)?;
    let device_token = cookies::device_token(app, &request.headers, body.device_token);
    let signed_in = passkey_login(app, &request.context, &PasskeyLogin { shown, device_token }).await?;
    SignedInReply::reply_with(app, signed_in, body.transport, None)
}
