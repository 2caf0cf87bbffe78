//! `GET /health`: how the service and its dependencies are.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::service::health::{Dependency, health};

/// What answers `GET /health`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "health",
    routes: &[Route::get("/health")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::Listed,
    needs: Needs { rings: &[RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "How the service and its dependencies are",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[
        (200, "Healthy.", Some(schema::<HealthReply>)),
        (503, "Unhealthy: people cannot sign in.", Some(schema::<HealthReply>)),
    ],
    problems: &[],
};

/// The service's health; 503 if unhealthy.
#[derive(Serialize, JsonSchema)]
pub struct HealthReply {
    /// `healthy`; `unhealthy` if a dependency is down, since nobody can sign in without any one of them.
    status: &'static str,
    /// The release.
    version: &'static str,
    /// The stage.
    stage: &'static str,
    /// RFC 3339.
    timestamp: String,
    /// What the service depends on.
    dependencies: Vec<DependencyReply>,
}

/// A dependency's health.
#[derive(Serialize, JsonSchema)]
struct DependencyReply {
    /// Which one.
    name: &'static str,
    /// `healthy` or `unhealthy`.
    status: &'static str,
    /// How long it took to answer.
    response_time_ms: u64,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let dependencies = health(app, &request.context).await;
    let (code, status) = if dependencies.iter().all(|dependency| dependency.fault.is_none()) {
        (StatusCode::OK, "healthy")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unhealthy")
    };
    let reply = HealthReply {
        status,
        version: env!("CARGO_PKG_VERSION"),
        stage: app.config.stage.name(),
        timestamp: request.context.now.rfc3339(),
        dependencies: dependencies.iter().map(describe).collect(),
    };
    Reply::json(code, &reply)
}

fn describe(dependency: &Dependency) -> DependencyReply {
    DependencyReply {
        name: dependency.name,
        status: if dependency.fault.is_none() { "healthy" } else { "unhealthy" },
        response_time_ms: u64::try_from(dependency.response_time.as_millis()).unwrap_or(u64::MAX),
    }
}
