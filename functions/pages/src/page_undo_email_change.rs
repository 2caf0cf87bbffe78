//! `POST /ui/undo-email-change`: takes an account back to its former address, from the link's own page.

use wardgate::app::{App, Needs};
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, Page};
use wardgate::http::page_endpoint::{LinkForm, PERSON, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::email_change_undo::{EmailChangeUndoError, email_change_undo};

const ACTION: Action = Action::UndoEmailChange;

/// What answers `POST /ui/undo-email-change`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-undo-email-change",
    routes: &[Route::post(ACTION.path())],
    class: Class::Standard,
    reader: PERSON,
    needs: Needs { rings: &[RingName::MailMac], table: true },
    handler: |app, request| Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Undo a change of address, from the page that a mail links to",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<LinkForm>),
    responses: &[
        (200, "The account has its former address back, and every session has ended.", Some(html)),
        (400, "The link no longer works.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LinkForm = request.form()?;
    let email;
    let page = match email_change_undo(app, &request.context, &form.token).await {
        Ok(changed) => {
            email = changed;
            Page::Done { action: ACTION, account: Some(email.display()) }
        }
        Err(EmailChangeUndoError::InvalidLink) => Page::LinkInvalid(ACTION),
        Err(EmailChangeUndoError::Fault(fault)) => return Err(fault.into()),
    };
    show(app, request, page)
}
