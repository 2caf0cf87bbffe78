//! `POST /ui/login-code`: mails a code to sign in with, and signs a browser in with it.
//!
//! The one form leads to the other, and whoever's mail has come elsewhere types the code here: the application that the
//! browser is on the way to is not lost.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::factors::Wanted;
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Form, FormPage, FormRefusal};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_email_code::{CodeOrderError, CodeOrdered, login_email_code};
use wardgate::use_cases::sign_in::login_email_code_verify::{EmailCodeError, LoginEmailCodeVerify, MailedProof};
use wardgate::use_cases::sign_in::login_in_browser::{SignedInBrowser, login_by_code_in_browser};
use wardgate::use_cases::sign_in::second_step::SignInStep;

use crate::flow::{self, Carried, GoingTo, Refused};

/// What answers `POST /ui/login-code`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-login-code",
    routes: &[Route::post(Form::LoginCode.path())],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::LoginMac, RingName::MailMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask on a page for a code by mail, and sign in with it",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<LoginCodeForm>),
    responses: &[
        (
            200,
            "A form for the code: whether a mail goes out is not told. Or one for the second factor. Or signed in, and on the \
             way to nowhere.",
            Some(html),
        ),
        (303, "Signed in: on to where the browser was going. The session is in a cookie.", None),
        (400, "The address is none; or the code is wrong, expired or used: which of them is not told.", Some(html)),
        (
            403,
            "The form does not come from our page in this browser, or signing in by mail is switched off.",
            Some(html),
        ),
        (429, "Too many codes tried; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends: at first the address, and then the code, too.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginCodeForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The account's address.
    email: String,
    /// The code of the mail, however it is spaced.
    code: Option<String>,
    /// `yes` where the browser is to be signed in after it has been closed, too.
    remember: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LoginCodeForm = flow::form(app, request)?;
    let carried = Carried { request: form.request.as_deref(), flow: form.flow.as_deref() };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    let remember = form.remember.is_some();
    let page = FormPage { account: Some(form.email.trim()), remember, ..FormPage::default() };
    let Some(code) = &form.code else {
        return match order(app, request, &form).await {
            Ok(ordered) => {
                let page = FormPage { form: Form::TypeLoginCode, ..page };
                let mut reply = going_to.show_form(app, request, page).await?;
                reply.headers.push(cookies::keep_code_flow(app, &ordered.flow_token)?);
                reply.headers.extend(going_to.keep()?);
                Ok(reply)
            }
            Err(refused) => {
                going_to.show_again(app, request, FormPage { form: Form::LoginCode, ..page }, refused).await
            }
        };
    };
    match sign_in(app, request, &form, code, going_to.wanted()).await {
        Ok(SignInStep::MfaRequired(required)) => {
            let mut reply = going_to.ask_second(app, request, &required, false, page).await?;
            reply.headers.push(cookies::forget_code_flow()?);
            Ok(reply)
        }
        Ok(SignInStep::SignedIn(signed_in)) => {
            let mut reply = going_to.signed_in(app, request, &signed_in, remember)?;
            reply.headers.push(cookies::forget_code_flow()?);
            Ok(reply)
        }
        Err(refused) => {
            going_to.show_again(app, request, FormPage { form: Form::TypeLoginCode, ..page }, refused).await
        }
    }
}

async fn order<'a>(app: &App, request: &Request, form: &LoginCodeForm) -> Result<CodeOrdered, Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let email = flow::address(&form.email)?;
    let device_token = cookies::device_token(app, &request.headers, None);
    login_email_code(app, &request.context, &email, device_token.as_deref()).await.map_err(|error| match error {
        CodeOrderError::SwitchedOff => flow::refused(FormRefusal::SwitchedOff, error),
        CodeOrderError::Fault(fault) => flow::down(fault),
    })
}

async fn sign_in<'a>(
    app: &App,
    request: &Request,
    form: &LoginCodeForm,
    code: &str,
    wanted: Wanted,
) -> Result<SignInStep<SignedInBrowser>, Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let proof = MailedProof::Code { email: flow::address(&form.email)?, code: code.to_owned() };
    let flow_token = cookies::code_flow_token(&request.headers);
    let device_token = cookies::device_token(app, &request.headers, None);
    let session_token = cookies::session_token(&request.headers);
    let login = LoginEmailCodeVerify { proof, flow_token, device_token };
    let signed_in = login_by_code_in_browser(app, &request.context, login, wanted, session_token.as_deref()).await;
    signed_in.map_err(|error| match error {
        EmailCodeError::TooManyAttempts { retry_after } => flow::too_many(retry_after),
        EmailCodeError::Fault(fault) => flow::down(fault),
        EmailCodeError::Invalid | EmailCodeError::WrongCode { .. } | EmailCodeError::CodeRequired { .. } => {
            flow::refused(FormRefusal::WrongCode, EmailCodeError::Invalid)
        }
    })
}
