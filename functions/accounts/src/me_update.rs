//! `PATCH /v1/me`: changes the caller's profile.

use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use wardgate::app::{App, Needs};
use wardgate::domain::name::DisplayName;
use wardgate::http::bearer;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::me::MeReply;
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::me_update::me_update;

/// What answers `PATCH /v1/me`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "me-update",
    routes: &[Route::patch("/v1/me")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Change one's own profile",
    bearer: Bearer::Required,
    parameters: &[],
    request: Body::Required(schema::<MeUpdateRequest>),
    responses: &[(200, "The profile as it is now.", Some(schema::<MeReply>))],
    problems: &[
        (400, "A member breaks a rule, or there is none."),
        (401, "The access token is missing or not valid, or its session has ended."),
        (503, "Busy; try again after Retry-After."),
    ],
};

/// What is to change.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub struct MeUpdateRequest {
    /// The person's name; null takes it away.
    #[serde(default, deserialize_with = "given")]
    #[schemars(with = "Option<String>", length(min = 1, max = 100))]
    name: Change,
}

/// What is to become of a name. Null is a value, and not the same as a member that is left out.
#[derive(Default)]
enum Change {
    #[default]
    LeftOut,
    To(Option<String>),
}

fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Change, D::Error> {
    Option::deserialize(deserializer).map(Change::To)
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    bearer::require(app, request).await?;
    let body: MeUpdateRequest = request.json()?;
    let name = match body.name {
        Change::To(name) => name,
        Change::LeftOut => {
            return Err(Problem::invalid_member("name", "missing", "Name what is to change. There is just this."));
        }
    };
    let name = name.as_deref().map(DisplayName::parse).transpose();
    let name = name.map_err(|error| Problem::invalid_member("name", "invalid", error.to_string()))?;
    let user = me_update(app, &request.context, request.bearer_token(), name).await?;
    Reply::json(StatusCode::OK, &MeReply::from(user))
}
