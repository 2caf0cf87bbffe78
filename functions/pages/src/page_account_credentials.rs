//! `POST /ui/account/credentials`: another password, another address. Both check the password that there
//! is (PW-06, OT-12).

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::factors::PasswordKind;
use wardgate::domain::oauth::continuation::{ACCOUNT, ACCOUNT_CREDENTIALS};
use wardgate::domain::password::{Password, PasswordPolicy, PasswordRejection};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Form, FormPage, FormRefusal, Onward, Page};
use wardgate::http::page_endpoint::{PERSON, show};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::email_change::{EmailChange, EmailChangeError, email_change};
use wardgate::use_cases::accounts::password_change::{ChangePassword, PasswordChangeError, password_change};
use wardgate::use_cases::authenticate::AuthenticateError;
use wardgate::use_cases::password_check::PasswordCheckError;

use crate::flow::account::{Asking, sign_in_first};
use crate::flow::{self, GoingTo, Refused};

/// What answers `POST /ui/account/credentials`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-account-credentials",
    routes: &[Route::post(ACCOUNT_CREDENTIALS)],
    class: Class::Hashing(Reserve::Password),
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Change one's own password or address, on a page",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<CredentialsForm>),
    responses: &[
        (
            200,
            "The password is changed; or a mail is on its way to the new address, or not: that is not told.",
            Some(html),
        ),
        (303, "Nobody is signed in, or not recently enough: on to where people sign in.", None),
        (
            400,
            "A field breaks a rule, or the password is wrong: the page says which, and has the form again.",
            Some(html),
        ),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the forms send.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CredentialsForm {
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The password that there is, if there is one.
    password: Option<String>,
    /// `yes` where there is none, as the page has it.
    passwordless: Option<String>,
    /// Of the password's form: `yes` where sign-ins ask for a second factor, as the page has it.
    second_factor: Option<String>,
    /// Of the password's form: the one that is to be.
    #[schemars(length(min = 8, max = 256))]
    new_password: Option<String>,
    /// Of the address's form: the one that is to be.
    email: Option<String>,
}

/// Why nothing was changed.
enum Failed<'a> {
    /// Nobody is signed in, or not recently enough.
    SignInFirst(AuthenticateError),
    /// The form is shown again.
    Refused(Refused<'a>),
    /// The new password is not good enough.
    NewPassword(PasswordRejection),
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: CredentialsForm = flow::form(app, request)?;
    let asking = Asking::of(request);
    let (kind, failed) = match (&form.new_password, &form.email) {
        (Some(new_password), None) => match set_password(app, request, &asking, &form, new_password).await {
            Ok(device_token) => {
                let mut reply = done(app, request, Form::AccountPassword, None)?;
                reply.headers.push(cookies::keep_device(app, &device_token)?);
                return Ok(reply);
            }
            Err(failed) => (Form::AccountPassword, failed),
        },
        (None, Some(email)) => match ask_address(app, request, &asking, &form, email).await {
            Ok(()) => return done(app, request, Form::AccountEmail, Some(email.trim())),
            Err(failed) => (Form::AccountEmail, failed),
        },
        _ => return flow::not_understood(app, request),
    };
    let going_to = GoingTo::nowhere();
    let page = FormPage {
        form: kind,
        account: form.email.as_deref(),
        password: if form.passwordless.is_some() { PasswordKind::None } else { PasswordKind::Sufficient },
        policy: if form.second_factor.is_some() { PasswordPolicy::WithMfa } else { PasswordPolicy::OnlyFactor },
        ..FormPage::default()
    };
    match failed {
        Failed::SignInFirst(error) => sign_in_first(kind.page(), error),
        Failed::Refused(refused) => going_to.show_again(app, request, page, refused).await,
        Failed::NewPassword(rejection) => {
            let cause = Problem::invalid_member("new_password", rejection.code(), rejection.detail());
            going_to.show_again(app, request, page, flow::refused(FormRefusal::Password(&rejection), cause)).await
        }
    }
}

fn done(app: &App, request: &Request, form: Form, account: Option<&str>) -> Result<Reply, Problem> {
    let onward = Some(Onward { location: ACCOUNT, application: None });
    show(app, request, Page::Changed { form, account, onward })
}

async fn set_password<'a>(
    app: &App,
    request: &Request,
    asking: &Asking,
    form: &CredentialsForm,
    new_password: &str,
) -> Result<String, Failed<'a>> {
    flow::admit(app, request, form.csrf.as_deref()).map_err(Failed::Refused)?;
    let current = typed(form)?;
    let presented = cookies::device_token(app, &request.headers, None);
    let change = ChangePassword { current: current.as_ref(), new_password, device_token: presented.as_deref() };
    let changed = password_change(app, &request.context, asking.caller(), change).await;
    changed.map(|set| set.device_token).map_err(|error| match error {
        PasswordChangeError::Authenticate(error) => Failed::SignInFirst(error),
        PasswordChangeError::Current(error) => check_failed(error),
        PasswordChangeError::CurrentMissing => wrong(),
        PasswordChangeError::Password(rejection) => Failed::NewPassword(rejection),
        // Somebody else has just changed them: this session is dead.
        PasswordChangeError::Superseded => Failed::SignInFirst(AuthenticateError::SessionEnded),
        PasswordChangeError::Fault(fault) => Failed::Refused(flow::down(fault)),
    })
}

async fn ask_address<'a>(
    app: &App,
    request: &Request,
    asking: &Asking,
    form: &CredentialsForm,
    email: &str,
) -> Result<(), Failed<'a>> {
    flow::admit(app, request, form.csrf.as_deref()).map_err(Failed::Refused)?;
    let new_email = flow::address(email).map_err(Failed::Refused)?;
    let password = typed(form)?;
    let presented = cookies::device_token(app, &request.headers, None);
    let change = EmailChange { new_email, password: password.as_ref(), device_token: presented.as_deref() };
    email_change(app, &request.context, asking.caller(), change).await.map_err(|error| match error {
        EmailChangeError::Authenticate(error) => Failed::SignInFirst(error),
        EmailChangeError::Unchanged => {
            let detail = "The account has this address already.";
            let problem = Problem::invalid_member("email", "unchanged", detail);
            Failed::Refused(flow::refused(FormRefusal::SameAddress, problem))
        }
        EmailChangeError::TooManyChanges { retry_after } => Failed::Refused(flow::too_many(retry_after)),
        EmailChangeError::PasswordMissing => wrong(),
        EmailChangeError::Password(error) => check_failed(error),
        EmailChangeError::Fault(fault) => Failed::Refused(flow::down(fault)),
    })
}

/// The password that was typed. A field that is empty is one that was left out.
fn typed<'a>(form: &CredentialsForm) -> Result<Option<Password>, Failed<'a>> {
    let typed = form.password.as_deref().filter(|typed| !typed.is_empty());
    typed.map(|typed| Password::attempt(typed).ok_or_else(wrong)).transpose()
}

fn check_failed<'a>(error: PasswordCheckError) -> Failed<'a> {
    match error {
        PasswordCheckError::Wrong => wrong(),
        PasswordCheckError::TooManyAttempts { retry_after } => Failed::Refused(flow::too_many(retry_after)),
        PasswordCheckError::Fault(fault) => Failed::Refused(flow::down(fault)),
    }
}

fn wrong<'a>() -> Failed<'a> {
    let problem = Problem::invalid_member("password", "wrong", "This is not the account's password.");
    Failed::Refused(flow::refused(FormRefusal::WrongPassword, problem))
}
