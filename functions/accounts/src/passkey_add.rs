//! `POST /v1/passkeys/registration`: registers a passkey.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wardgate::app::{App, Needs};
use wardgate::domain::name::DisplayName;
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::mfa::PasskeyShown;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::{RegistrationCredential, no_credential};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::passkey_add::{PasskeyAddError, passkey_add};

use crate::passkey_options::too_many;

/// What answers `POST /v1/passkeys/registration`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "passkey-add",
    routes: &[Route::post("/v1/passkeys/registration")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Register a passkey",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<PasskeyAddRequest>),
    responses: &[(
        201,
        "It is registered, and this session has shown every factor. The same again is answered the same, without recovery codes.",
        Some(schema::<PasskeyAddReply>),
    )],
    problems: &[
        (400, "The authenticator's answer is not valid, the challenge has expired, or a member breaks a rule."),
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (
            409,
            "The passkey is another account's, there are too many, the address is not verified, or the account has changed \
             meanwhile.",
        ),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// A passkey that an authenticator has made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAddRequest {
    /// What the authenticator answered to `POST /v1/passkeys/registration/options`.
    credential: RegistrationCredential,
    /// What its owner calls it.
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
    /// Whether every other session ends.
    #[serde(default)]
    end_other_sessions: bool,
}

/// That it is done.
#[derive(Serialize, JsonSchema)]
pub struct PasskeyAddReply {
    /// `passkey_added`.
    status: &'static str,
    /// The passkey.
    passkey: PasskeyShown,
    /// Ten codes for the day on which everything else is lost, each good once. They come with the first factor, and are shown
    /// this once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    recovery_codes: Vec<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: PasskeyAddRequest = request.json()?;
    let name = body.name.as_deref().map(DisplayName::parse).transpose();
    let name = name.map_err(|error| Problem::invalid_member("name", "invalid", error.to_string()))?;
    let new = body.credential.made(name, body.end_other_sessions).ok_or_else(no_credential)?;
    let added = passkey_add(app, &request.context, request.bearer_token(), new).await.map_err(problem)?;
    let recovery_codes = added.recovery_codes.iter().map(|code| code.shown().to_string()).collect();
    let reply = PasskeyAddReply { status: "passkey_added", passkey: PasskeyShown::new(added.passkey), recovery_codes };
    Reply::json(StatusCode::CREATED, &reply)
}

/// Why nothing was registered.
pub fn problem(error: PasskeyAddError) -> Problem {
    let bad = |code, title, detail| Problem::new(StatusCode::BAD_REQUEST, code, title, detail);
    match error {
        PasskeyAddError::Expired => bad(
            "challenge_expired",
            "The challenge is no longer valid.",
            "It has expired, or is of another session. Begin again: POST /v1/passkeys/registration/options.",
        ),
        PasskeyAddError::Invalid => bad(
            "invalid_passkey",
            "The passkey is not valid.",
            "The authenticator's answer is not one to these options: look at the page's origin and at passkeys.origins.",
        ),
        PasskeyAddError::Exists => Problem::new(
            StatusCode::CONFLICT,
            "passkey_exists",
            "The passkey is registered already.",
            "An authenticator's credential is of one account. Let the authenticator make another.",
        ),
        PasskeyAddError::TooMany => too_many(),
        PasskeyAddError::Change(error) => error.into(),
        PasskeyAddError::Fault(fault) => fault.into(),
    }
}
