//! `POST /ui/remove-factors`: takes lost second factors away, from the link's own page.

use wardgate::app::App;
use wardgate::http::endpoint::{Endpoint, Route};
use wardgate::http::openapi::{Operation, html};
use wardgate::http::page::Action;
use wardgate::http::page_endpoint::{BUSY, LinkForm, NO_LONGER, answer_press, link_operation, link_page, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::accounts::factors_removal::{Removal, remove_factors};

const ACTION: Action = Action::RemoveFactors;
const ROUTES: &[Route] = &[Route::post(ACTION.path())];

/// What answers `POST /ui/remove-factors`.
pub const ENDPOINT: Endpoint = link_page("page-remove-factors", ROUTES, |app, request| {
    Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) })
});

/// What the API description says of it.
pub const OPERATION: Operation = link_operation(
    "Take lost second factors away, from the page that a mail links to",
    &[(200, "The account has no second factor, and every session has ended.", Some(html)), NO_LONGER, BUSY],
);

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LinkForm = request.form()?;
    let followed = remove_factors(app, &request.context, &form.token, Removal::Lost).await;
    answer_press(app, request, ACTION, followed)
}
