//! `POST /v1/mfa/totp`: begins to set up an authenticator app.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::domain::language::Language;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::qr;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_totp::mfa_totp;

/// What answers `POST /v1/mfa/totp`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "mfa-totp",
    routes: &[Route::post("/v1/mfa/totp")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Begin to set up an authenticator app",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(200, "What the app is set up with. Nothing has changed yet.", Some(schema::<TotpReply>))],
    problems: &[
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (409, "The address is not verified."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What an app is set up with. It is shown this once.
#[derive(Serialize, JsonSchema)]
pub struct TotpReply {
    /// What app and server share, in base32, for whoever types it.
    secret: String,
    /// The same as apps read it.
    otpauth_uri: String,
    /// The same as a picture (SVG), for the app's camera.
    qr_svg: String,
    /// For `POST /v1/mfa/totp/confirm`, together with the first code.
    enrolment_token: String,
    /// The token's life, in seconds.
    expires_in: u64,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let enrolment = mfa_totp(app, &request.context, request.bearer_token()).await?;
    let body = TotpReply {
        qr_svg: picture(&enrolment.uri, request.context.language)?,
        secret: enrolment.secret.to_string(),
        otpauth_uri: enrolment.uri.to_string(),
        enrolment_token: enrolment.enrolment_token,
        expires_in: enrolment.expires_in.as_secs(),
    };
    Reply::json(StatusCode::OK, &body)
}

/// What an app's camera reads, as a picture whose name is in this language.
pub fn picture(uri: &str, language: Language) -> Result<String, Problem> {
    let title = match language {
        Language::English => "QR code for your authenticator app",
        Language::German => "QR-Code für Ihre Authenticator-App",
    };
    qr::svg(uri, title).map_err(Problem::internal)
}
