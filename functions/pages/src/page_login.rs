//! `POST /ui/login`: signs a browser in with an address and a password, and leads on to where it was going.
//!
//! Whatever goes wrong shows the form again, with what was typed but the password: nobody has to begin anew (OC-18).

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::factors::Wanted;
use wardgate::domain::password::Password;
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
use wardgate::use_cases::password_check::PasswordCheckError;
use wardgate::use_cases::sign_in::login::Login;
use wardgate::use_cases::sign_in::login_in_browser::{SignedInBrowser, login_in_browser};
use wardgate::use_cases::sign_in::second_step::SignInStep;

use crate::flow::{self, Carried, GoingTo, Refused};

/// What answers `POST /ui/login`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-login",
    routes: &[Route::post(Form::Login.path())],
    class: Class::Hashing(Reserve::Login),
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::LoginMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in on a page, with an address and a password",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<LoginForm>),
    responses: &[
        (
            200,
            "Signed in, and the browser was on its way to nowhere else. Or a form for the second factor.",
            Some(html),
        ),
        (303, "Signed in: on to where the browser was going. The session is in a cookie.", None),
        (400, "The address or the password is wrong: which of them is not told.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The account's address.
    email: String,
    /// Its password.
    password: String,
    /// `yes` where the browser is to be signed in after it has been closed, too.
    remember: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LoginForm = flow::form(app, request)?;
    let carried = Carried { request: form.request.as_deref(), flow: form.flow.as_deref() };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    let remember = form.remember.is_some();
    match attempt(app, request, &form, going_to.wanted()).await {
        Ok(SignInStep::SignedIn(signed_in)) => going_to.signed_in(app, request, &signed_in, remember),
        Ok(SignInStep::MfaRequired(required)) => {
            let page = FormPage { account: Some(&form.email), remember, ..FormPage::default() };
            going_to.ask_second(app, request, &required, false, page).await
        }
        Err(refused) => {
            let page = FormPage { account: Some(&form.email), remember, ..FormPage::default() };
            going_to.show_again(app, request, page, refused).await
        }
    }
}

async fn attempt<'a>(
    app: &App,
    request: &Request,
    form: &LoginForm,
    wanted: Wanted,
) -> Result<SignInStep<SignedInBrowser>, Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    let wrong = || flow::refused(FormRefusal::Wrong, PasswordCheckError::Wrong);
    let email = flow::address(&form.email)?;
    // As any other wrong one, but there is nothing to compare.
    let password = Password::attempt(&form.password).ok_or_else(wrong)?;
    let device_token = cookies::device_token(app, &request.headers, None);
    let session_token = cookies::session_token(&request.headers);
    let login = Login { email, password, device_token };
    login_in_browser(app, &request.context, login, wanted, session_token.as_deref()).await.map_err(
        |error| match error {
            PasswordCheckError::Wrong => wrong(),
            PasswordCheckError::TooManyAttempts { retry_after } => flow::too_many(retry_after),
            PasswordCheckError::Fault(fault) => flow::down(fault),
        },
    )
}
