//! `POST /ui/confirm-email-change`: moves an account to its new address, from the link's own page.

use wardgate::app::App;
use wardgate::http::endpoint::{Endpoint, Route};
use wardgate::http::openapi::{Operation, html};
use wardgate::http::page::Action;
use wardgate::http::page_endpoint::{BUSY, LinkForm, NO_LONGER, answer_press, link_operation, link_page, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::accounts::email_change_confirm::email_change_confirm;

const ACTION: Action = Action::ConfirmEmailChange;
const ROUTES: &[Route] = &[Route::post(ACTION.path())];

/// What answers `POST /ui/confirm-email-change`.
pub const ENDPOINT: Endpoint = link_page("page-confirm-email-change", ROUTES, |app, request| {
    Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) })
});

/// What the API description says of it.
pub const OPERATION: Operation = link_operation(
    "Confirm a new address, from the page that a mail links to",
    &[(200, "The account has its new address, and every session has ended.", Some(html)), NO_LONGER, BUSY],
);

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LinkForm = request.form()?;
    let followed = email_change_confirm(app, &request.context, &form.token).await;
    answer_press(app, request, ACTION, followed)
}
