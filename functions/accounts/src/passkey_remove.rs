//! `DELETE /v1/passkeys/{id}`: takes a passkey away.

use wardgate::app::{App, Needs};
use wardgate::domain::id::FactorId;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::passkey_remove::passkey_remove;

use crate::passkey_update::ID;

/// What answers `DELETE /v1/passkeys/{id}`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "passkey-remove",
    routes: &[Route::delete("/v1/passkeys/{id}")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Take a passkey away",
    bearer: Bearer::Required,
    parameters: &[ID],
    request: Body::None,
    responses: &[(204, "It is gone.", None)],
    problems: &[
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (404, "The caller has no such passkey."),
        (
            409,
            "Nothing else would open the account, or the password is too short to stand alone; or the account has changed meanwhile.",
        ),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let id = FactorId::parse(request.path_parameter("id")).ok();
    passkey_remove(app, &request.context, request.bearer_token(), id).await?;
    Ok(Reply::no_content())
}
