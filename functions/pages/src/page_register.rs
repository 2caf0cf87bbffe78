//! `POST /ui/register`: asks for an account on a page.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::name::DisplayName;
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Form, FormPage, FormRefusal};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::register::{Register, RegisterError, register};

use crate::flow::{self, Carried, GoingTo, Refused};

/// What answers `POST /ui/register`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-register",
    routes: &[Route::post(Form::Register.path())],
    class: Class::Hashing(Reserve::Register),
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::LoginMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for an account on a page",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<RegisterForm>),
    responses: &[
        (200, "Taken. The page is the same whether or not the address has an account.", Some(html)),
        (400, "A field breaks a rule: the page says which, and has the form again.", Some(html)),
        (403, "The form does not come from our page in this browser, or sign-up is closed.", Some(html)),
        (429, "Too many registrations of this address or from this source.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RegisterForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The address that will sign in.
    email: String,
    /// The person's name.
    #[schemars(length(max = 100))]
    name: Option<String>,
    /// The password.
    #[schemars(length(min = 15, max = 256))]
    new_password: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: RegisterForm = flow::form(app, request)?;
    let carried = Carried { request: form.request.as_deref(), flow: form.flow.as_deref() };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    let account = form.email.trim();
    let page =
        FormPage { form: Form::Register, account: Some(account), name: form.name.as_deref(), ..FormPage::default() };
    let asked = match read(app, request, &form) {
        Ok(asked) => asked,
        Err(refused) => return going_to.show_again(app, request, page, refused).await,
    };
    let registered = match register(app, &request.context, asked).await {
        Ok(registered) => registered,
        Err(RegisterError::Password(rejection)) => {
            let cause = RegisterError::Password(rejection.clone());
            let refused = flow::refused(FormRefusal::Password(&rejection), cause);
            return going_to.show_again(app, request, page, refused).await;
        }
        Err(RegisterError::TooManyAttempts { retry_after }) => {
            return going_to.show_again(app, request, page, flow::too_many(retry_after)).await;
        }
        Err(error @ RegisterError::SignUpClosed) => {
            return going_to.show_again(app, request, page, flow::refused(FormRefusal::SwitchedOff, error)).await;
        }
        Err(RegisterError::Fault(fault)) => {
            return going_to.show_again(app, request, page, flow::down(fault)).await;
        }
    };
    let mut reply = going_to.show_mailed(app, request, Form::Register, account).await?;
    // For the page that the mail links to, in this browser.
    reply.headers.push(cookies::keep_flow(app, &registered.flow_token)?);
    reply.headers.extend(going_to.keep()?);
    Ok(reply)
}

fn read<'a>(app: &App, request: &Request, form: &'a RegisterForm) -> Result<Register<'a>, Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let email = flow::address(&form.email)?;
    let name = form.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let name = name.map(DisplayName::parse).transpose().map_err(|error| {
        flow::refused(FormRefusal::Name, Problem::invalid_member("name", "invalid", error.to_string()))
    })?;
    Ok(Register { email, password: &form.new_password, name })
}
