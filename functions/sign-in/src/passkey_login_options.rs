//! `POST /v1/passkeys/login/options`: asks for whichever passkey there is.

use http::StatusCode;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::passkey::PasskeyOptionsReply;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::passkey_login_options::passkey_login_options;

/// What answers `POST /v1/passkeys/login/options`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "passkey-login-options",
    routes: &[Route::post("/v1/passkeys/login/options")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::LoginMac], table: false },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in with a passkey alone: the question",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(
        200,
        "What to ask the authenticator, the same for everybody. Nothing is stored: ask again before it expires.",
        Some(schema::<PasskeyOptionsReply>),
    )],
    problems: &[(503, "Busy; try again after Retry-After.")],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let options = passkey_login_options(app, &request.context).await?;
    Reply::json(StatusCode::OK, &PasskeyOptionsReply::from(options))
}
