//! `OPTIONS /{proxy+}`: what a browser asks before a script of another origin may ask for more (CORS), for every endpoint by
//! its class.

mod classes;

use std::future::ready;

use http::header;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route, path_parameters};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, schema};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;

/// What answers `OPTIONS /{proxy+}`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "preflight",
    routes: &[Route::options("/{proxy+}")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::None,
    needs: Needs { rings: &[], table: false },
    handler: |app, request| Box::pin(ready(handle(app, request))),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Which origins' pages may call a path (CORS)",
    bearer: Bearer::Ignored,
    parameters: &[Parameter {
        name: "proxy+",
        location: "path",
        description: "The path that the page is going to call.",
        schema: schema::<String>,
    }],
    request: Body::None,
    responses: &[(204, "Access-Control-Allow-Origin says who may; without it nobody's page may.", None)],
    problems: &[(404, "Nothing answers at this path.")],
};

fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let class = classes::CLASSES.iter().find(|(pattern, _)| path_parameters(pattern, &request.path).is_some());
    let (_, class) = class.ok_or_else(|| Problem::not_found("Nothing answers at this path."))?;
    let headers = class.preflight(&app.config.http.allowed_origins, request.headers.get(header::ORIGIN));
    Ok(Reply { headers, ..Reply::no_content() })
}
