//! `POST /ui/sign-in`: signs this browser in with a mailed link, from the link's own page: in cookie mode (SE-06).
//!
//! In the browser that asked for the mail, the button is enough. Any other is shown the account, and asked for the code that
//! the mail says: or a stranger's link could sign its reader in as the stranger.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::email::Email;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, CodeField, FormPage, LOGIN_CODE_LENGTH, Page};
use wardgate::http::page_endpoint::{PERSON, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, csrf};
use wardgate::secrets::RingName;
use wardgate::use_cases::sign_in::login_email_code_verify::{
    EmailCodeError, LoginEmailCodeVerify, MailedProof, login_email_code_verify,
};
use wardgate::use_cases::sign_in::second_step::SignInStep;

use crate::flow::{self, Carried, GoingTo};

const ACTION: Action = Action::SignIn;

/// What answers `POST /ui/sign-in`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-sign-in",
    routes: &[Route::post(ACTION.path())],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs {
        rings: &[RingName::Signing, RingName::SessionMac, RingName::MailMac, RingName::LoginMac],
        table: true,
    },
    handler: |app, request| Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in, from the page that a mail links to",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<SignInForm>),
    responses: &[
        (
            200,
            "Signed in: the refresh token is in a cookie. Or, in a browser that did not ask for the mail, the account and a \
             form for its code; or a form for the second factor.",
            Some(html),
        ),
        (400, "The link no longer works, or the code is wrong.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignInForm {
    /// The token of the mailed link.
    token: String,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The code that the mail says, in a browser that did not ask for it.
    code: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: SignInForm = request.form()?;
    csrf::admit(app, &request.headers, form.csrf.as_deref())?;
    let flow_token = cookies::code_flow_token(&request.headers);
    let proof = MailedProof::Link { token: form.token.clone(), code: form.code };
    let device_token = cookies::device_token(app, &request.headers, None);
    let login = LoginEmailCodeVerify { proof, flow_token, device_token };
    let ask = |email: &Email, wrong| {
        let (csrf, account, field) =
            (form.csrf.as_deref(), Some(email.display()), CodeField::Characters(LOGIN_CODE_LENGTH));
        show(app, request, Page::TypeCode { action: ACTION, token: &form.token, csrf, account, field, wrong })
    };
    match login_email_code_verify(app, &request.context, login).await {
        Ok(SignInStep::SignedIn(signed_in)) => {
            let mut reply = flow::signed_in_by_link(app, request, &signed_in).await?;
            reply.headers.push(cookies::forget_code_flow()?);
            Ok(reply)
        }
        Ok(SignInStep::MfaRequired(required)) => {
            let way = cookies::continuation(&request.headers);
            let carried = way.as_ref().map_or(Carried { request: None, flow: None }, |(asked, flow)| Carried {
                request: Some(asked),
                flow: Some(flow),
            });
            let going_to = GoingTo::read(carried).unwrap_or_else(GoingTo::nowhere);
            let mut reply = going_to.ask_second(app, request, &required, true, FormPage::default()).await?;
            reply.headers.push(cookies::forget_code_flow()?);
            Ok(reply)
        }
        Err(EmailCodeError::CodeRequired { email }) => ask(&email, false),
        Err(EmailCodeError::WrongCode { email }) => ask(&email, true),
        Err(EmailCodeError::Invalid) => show(app, request, Page::LinkInvalid(ACTION)),
        Err(EmailCodeError::TooManyAttempts { retry_after }) => Err(Problem::too_many_attempts(retry_after)),
        Err(EmailCodeError::Fault(fault)) => Err(fault.into()),
    }
}
