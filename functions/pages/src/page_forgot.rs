//! `POST /ui/forgot`: asks on a page for a link to set a new password.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Form, FormPage};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::password_forgot::password_forgot;

use crate::flow::{self, Carried, GoingTo, Refused};

/// What answers `POST /ui/forgot`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-forgot",
    routes: &[Route::post(Form::Forgot.path())],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask on a page for a link to set a new password",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<ForgotForm>),
    responses: &[
        (200, "Taken. The page is the same whether or not the address has an account.", Some(html)),
        (400, "The address is none: the page says so, and has the form again.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ForgotForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The account's address.
    email: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: ForgotForm = flow::form(app, request)?;
    let carried = Carried { request: form.request.as_deref(), flow: form.flow.as_deref() };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    let account = form.email.trim();
    if let Err(refused) = order(app, request, &form).await {
        let page = FormPage { form: Form::Forgot, account: Some(account), ..FormPage::default() };
        return going_to.show_again(app, request, page, refused).await;
    }
    let mut reply = going_to.show_mailed(app, request, Form::Forgot, account).await?;
    reply.headers.extend(going_to.keep()?);
    Ok(reply)
}

async fn order<'a>(app: &App, request: &Request, form: &ForgotForm) -> Result<(), Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let email = flow::address(&form.email)?;
    let device_token = cookies::device_token(app, &request.headers, None);
    password_forgot(app, &request.context, &email, device_token.as_deref()).await.map_err(flow::down)
}
