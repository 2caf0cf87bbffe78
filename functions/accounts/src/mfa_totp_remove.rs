//! `DELETE /v1/mfa/totp`: takes the authenticator app away.

use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_totp_remove::mfa_totp_remove;

/// What answers `DELETE /v1/mfa/totp`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "mfa-totp-remove",
    routes: &[Route::delete("/v1/mfa/totp")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Take the authenticator app away",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(204, "It is gone.", None)],
    problems: &[
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (404, "There is none."),
        (409, "The password is too short to stand alone; or the account has changed meanwhile."),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    mfa_totp_remove(app, &request.context, request.bearer_token()).await?;
    Ok(Reply::no_content())
}
