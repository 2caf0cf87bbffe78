//! A function that answers, through the same path as ours, what none of ours does yet: cookies, bytes that are no text,
//! nothing in time.

use std::future::pending;

use http::header::{CONTENT_TYPE, SET_COOKIE};
use http::{HeaderValue, Method, StatusCode};
use wardgate::app::App;
use wardgate::http::endpoint::{Endpoint, Needs};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;

const ENDPOINT: Endpoint = Endpoint {
    name: "probe",
    method: Method::GET,
    path: "/{what}",
    needs: Needs { rings: &[], table: false },
    handler: |app, request| Box::pin(handle(app, request)),
};

async fn handle(_app: &App, request: &Request) -> Result<Reply, Problem> {
    let (headers, body) = match request.path_parameter("what") {
        "cookies" => (["a=1; Path=/", "b=2; Path=/"].map(|c| (SET_COOKIE, HeaderValue::from_static(c))).into(), vec![]),
        "bytes" => (vec![(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))], vec![0, 0xff]),
        _ => pending().await,
    };
    Ok(Reply { status: StatusCode::OK, headers, body })
}

fn main() -> Result<(), lambda_http::Error> {
    wardgate::lambda::serve(&ENDPOINT)
}
