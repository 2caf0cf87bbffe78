//! `POST /ui/undo-email-change`: takes an account back to its former address, from the link's own page.

use wardgate::app::App;
use wardgate::http::endpoint::{Endpoint, Route};
use wardgate::http::openapi::{Operation, html};
use wardgate::http::page::Action;
use wardgate::http::page_endpoint::{BUSY, LinkForm, NO_LONGER, answer_press, link_operation, link_page, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::accounts::email_change_undo::email_change_undo;

const ACTION: Action = Action::UndoEmailChange;
const ROUTES: &[Route] = &[Route::post(ACTION.path())];

/// What answers `POST /ui/undo-email-change`.
pub const ENDPOINT: Endpoint = link_page("page-undo-email-change", ROUTES, |app, request| {
    Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) })
});

/// What the API description says of it.
pub const OPERATION: Operation = link_operation(
    "Undo a change of address, from the page that a mail links to",
    &[(200, "The account has its former address back, and every session has ended.", Some(html)), NO_LONGER, BUSY],
);

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LinkForm = request.form()?;
    let followed = email_change_undo(app, &request.context, &form.token).await;
    answer_press(app, request, ACTION, followed)
}
