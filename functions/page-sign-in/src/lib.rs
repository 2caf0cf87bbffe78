//! `POST /ui/sign-in`: signs this browser in with a mailed link, from the link's own page: in cookie mode (SE-06).

use http::Method;
use wardgate::app::App;
use wardgate::http::endpoint::{Endpoint, Needs};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, Page};
use wardgate::http::page_endpoint::{CookieForm, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, csrf};
use wardgate::secrets::RingName;
use wardgate::use_cases::login_email_code_verify::{
    EmailCodeError, LoginEmailCodeVerify, MailedProof, login_email_code_verify,
};

const ACTION: Action = Action::SignIn;

/// What answers `POST /ui/sign-in`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-sign-in",
    method: Method::POST,
    path: ACTION.path(),
    needs: Needs { rings: &[RingName::Signing, RingName::SessionMac, RingName::MailMac], table: true },
    handler: |app, request| Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in, from the page that a mail links to",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<CookieForm>),
    responses: &[
        (200, "Signed in: the refresh token is in a cookie.", Some(html)),
        (400, "The link no longer works.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: CookieForm = request.form()?;
    csrf::admit(app, &request.headers, form.csrf.as_deref())?;
    let login = LoginEmailCodeVerify { proof: MailedProof::Token(form.token), device_token: None };
    match login_email_code_verify(app, &request.context, login).await {
        Ok(signed_in) => {
            let mut reply = show(app, request, Page::Done { action: ACTION, account: None })?;
            reply.headers.push(cookies::keep(app, &signed_in.refresh_token)?);
            Ok(reply)
        }
        Err(EmailCodeError::Invalid) => show(app, request, Page::LinkInvalid(ACTION)),
        Err(EmailCodeError::TooManyAttempts { retry_after }) => Err(Problem::too_many_attempts(retry_after)),
        Err(EmailCodeError::Fault(fault)) => Err(fault.into()),
    }
}
