//! `POST /ui/keep-factors`: takes back that all second factors are lost, from the link's own page.

use wardgate::app::App;
use wardgate::http::endpoint::{Endpoint, Route};
use wardgate::http::openapi::{Operation, html};
use wardgate::http::page::Action;
use wardgate::http::page_endpoint::{BUSY, LinkForm, NO_LONGER, answer_press, link_operation, link_page, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::accounts::factors_keep::factors_keep;

const ACTION: Action = Action::KeepFactors;
const ROUTES: &[Route] = &[Route::post(ACTION.path())];

/// What answers `POST /ui/keep-factors`.
pub const ENDPOINT: Endpoint = link_page("page-keep-factors", ROUTES, |app, request| {
    Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) })
});

/// What the API description says of it.
pub const OPERATION: Operation = link_operation(
    "Keep the second factors that somebody says are lost, from the page that a mail links to",
    &[(200, "The second factors stay. Nobody is signed in.", Some(html)), NO_LONGER, BUSY],
);

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LinkForm = request.form()?;
    let followed = factors_keep(app, &request.context, &form.token).await;
    answer_press(app, request, ACTION, followed)
}
