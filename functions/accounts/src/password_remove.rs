//! `DELETE /v1/password`: does without a password.

use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::password_remove::password_remove;

/// What answers `DELETE /v1/password`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "password-remove",
    routes: &[Route::delete("/v1/password")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Do without a password, with passkeys alone",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::None,
    responses: &[(204, "It is gone, and every other session has ended. A sign-in asks for a second factor.", None)],
    problems: &[
        (
            401,
            "The access token is missing or not valid, its session has ended, or not every factor was shown just now.",
        ),
        (404, "There is none."),
        (
            409,
            "There are not two passkeys that open the account alone, or one that is backed up, and a recovery code; or the \
             account has changed meanwhile.",
        ),
        (503, "Busy; try again after Retry-After."),
    ],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    password_remove(app, &request.context, request.bearer_token()).await?;
    Ok(Reply::no_content())
}
