//! A function that answers, through the same path as ours, what none of ours does yet: cookies, or nothing in time.

use std::future::pending;

use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reader, Route};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;

const ENDPOINT: Endpoint = Endpoint {
    name: "probe",
    routes: &[Route::get("/{what}")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::None,
    needs: Needs { rings: &[], table: false },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(_app: &App, request: &Request) -> Result<Reply, Problem> {
    match request.path_parameter("what") {
        "cookies" => {
            let cookies = ["a=1; Path=/", "b=2; Path=/"].map(|cookie| (SET_COOKIE, HeaderValue::from_static(cookie)));
            Ok(Reply { status: StatusCode::OK, headers: cookies.into(), body: Vec::new() })
        }
        _ => pending().await,
    }
}

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&ENDPOINT)
}
