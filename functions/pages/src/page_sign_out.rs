//! `POST /ui/sign-out`: ends this browser's session, which its person has confirmed (OC-40).

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{self, Form, FormPage, Page};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::end_session::sign_out_browser;

use crate::flow::{self, Carried, GoingTo, Refused};

/// What a request to sign out comes back with from a form: anything, since it has begun with nothing.
const FROM_FORM: &str = "out";

/// What answers `POST /ui/sign-out`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-sign-out",
    routes: &[Route::post(Form::SignOut.path())],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign this browser out, on a page",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<SignOutForm>),
    responses: &[
        (200, "Signed out, and no application has asked for it.", Some(html)),
        (303, "Signed out: on to the request of the application.", None),
        (400, "The request is none of ours.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignOutForm {
    /// The request, as the page has it.
    request: Option<String>,
    /// Nothing yet: every form has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: SignOutForm = flow::form(app, request)?;
    let flow = form.flow.as_deref().filter(|flow| !flow.is_empty()).unwrap_or(FROM_FORM);
    let carried = Carried { request: form.request.as_deref(), flow: Some(flow) };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    if let Err(refused) = sign_out(app, request, &form).await {
        let page = FormPage { form: Form::SignOut, ..FormPage::default() };
        return going_to.show_again(app, request, page, refused).await;
    }
    let mut reply = match going_to.location() {
        Some(location) => Reply::see_other(&location)?,
        None => page::render(Page::SignedOut, going_to.language(request), &app.config)?,
    };
    reply.headers.push(cookies::forget_session()?);
    Ok(reply)
}

async fn sign_out<'a>(app: &App, request: &Request, form: &SignOutForm) -> Result<(), Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let session_token = cookies::session_token(&request.headers);
    sign_out_browser(app, &request.context, session_token.as_deref()).await.map_err(flow::down)
}
