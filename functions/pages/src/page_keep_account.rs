//! `POST /ui/keep-account`: keeps an account that was to be deleted, from the link's own page.

use wardgate::app::{App, Needs};
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, Page};
use wardgate::http::page_endpoint::{LinkForm, PERSON, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::me_keep::{MeKeepError, me_keep};

const ACTION: Action = Action::KeepAccount;

/// What answers `POST /ui/keep-account`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-keep-account",
    routes: &[Route::post(ACTION.path())],
    class: Class::Standard,
    reader: PERSON,
    needs: Needs { rings: &[RingName::MailMac], table: true },
    handler: |app, request| Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Keep an account that was to be deleted, from the page that a mail links to",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<LinkForm>),
    responses: &[
        (200, "The account is kept. Nobody is signed in.", Some(html)),
        (400, "The link no longer works.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LinkForm = request.form()?;
    let email;
    let page = match me_keep(app, &request.context, &form.token).await {
        Ok(changed) => {
            email = changed;
            Page::Done { action: ACTION, account: Some(email.display()) }
        }
        Err(MeKeepError::InvalidLink) => Page::LinkInvalid(ACTION),
        Err(MeKeepError::Fault(fault)) => return Err(fault.into()),
    };
    show(app, request, page)
}
