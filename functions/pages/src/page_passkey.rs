//! `POST /ui/passkey`: signs a browser in with a passkey alone, and leads on to where it was going.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Form, FormPage, FormRefusal};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::passkey::{no_credential, shown_passkey};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_in_browser::{SignedInBrowser, passkey_login_in_browser};
use wardgate::use_cases::sign_in::passkey_login::{PasskeyLogin, PasskeyLoginError};

use crate::flow::{self, Carried, GoingTo, Refused};

/// What answers `POST /ui/passkey`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-passkey",
    routes: &[Route::post("/ui/passkey")],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in on a page, with a passkey alone",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<PasskeyForm>),
    responses: &[
        (200, "Signed in, and the browser was on its way to nowhere else.", Some(html)),
        (303, "Signed in: on to where the browser was going. The session is in a cookie.", None),
        (400, "The passkey is not accepted, or the question was too old.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PasskeyForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// What the passkey has signed, as `toJSON()` has it.
    credential: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: PasskeyForm = flow::form(app, request)?;
    let carried = Carried { request: form.request.as_deref(), flow: form.flow.as_deref() };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    match attempt(app, request, &form).await {
        Ok(signed_in) => going_to.signed_in(app, request, &signed_in, false),
        Err(refused) => {
            let page = FormPage { form: Form::Login, ..FormPage::default() };
            going_to.show_again(app, request, page, refused).await
        }
    }
}

async fn attempt<'a>(app: &App, request: &Request, form: &PasskeyForm) -> Result<SignedInBrowser, Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let shown = shown_passkey(&form.credential);
    let shown = shown.ok_or_else(|| flow::refused(FormRefusal::WrongPasskey, no_credential()))?;
    let device_token = cookies::device_token(app, &request.headers, None);
    let session_token = cookies::session_token(&request.headers);
    let login = PasskeyLogin { shown, device_token };
    let signed_in = passkey_login_in_browser(app, &request.context, &login, session_token.as_deref()).await;
    signed_in.map_err(|error| match error {
        PasskeyLoginError::TooManyAttempts { retry_after } => flow::too_many(retry_after),
        PasskeyLoginError::Fault(fault) => flow::down(fault),
        error => flow::refused(FormRefusal::WrongPasskey, error),
    })
}
