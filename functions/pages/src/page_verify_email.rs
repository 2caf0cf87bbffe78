//! `POST /ui/verify-email`: verifies an address with a mailed link, from the link's own page (OT-10).

use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, Page};
use wardgate::http::page_endpoint::{CookieForm, PERSON, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, csrf};
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::email_verify::{EmailVerified, EmailVerifyError, Proof, email_verify, is_flow};

use crate::flow::WayBack;

const ACTION: Action = Action::VerifyEmail;

/// What answers `POST /ui/verify-email`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-verify-email",
    routes: &[Route::post(ACTION.path())],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::LoginMac, RingName::MailMac], table: true },
    handler: |app, request| Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Verify an address, from the page that a mail links to",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<CookieForm>),
    responses: &[
        (200, "The address is verified; a browser that did not register is asked for a password.", Some(html)),
        (400, "The link no longer works.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: CookieForm = request.form()?;
    let (flow_token, mut cleared) = (cookies::flow_token(&request.headers), None);
    let flow_token = match flow_token {
        Some(token) if !is_flow(app, &request.context, &token).await? => {
            cleared = Some(cookies::clear_flow()?);
            None
        }
        flow_token => flow_token,
    };
    let mut reply = verify(app, request, &form, flow_token.as_deref()).await?;
    reply.headers.extend(cleared);
    Ok(reply)
}

async fn verify(app: &App, request: &Request, form: &CookieForm, flow_token: Option<&str>) -> Result<Reply, Problem> {
    // Without the cookie, the link's token is all that counts, and nobody but the mail's reader has it (SE-06).
    if flow_token.is_some() {
        csrf::admit(app, &request.headers, form.csrf.as_deref())?;
    }
    match email_verify(app, &request.context, Proof::Link(&form.token), flow_token).await {
        Ok(EmailVerified::Verified { email }) => {
            let way_back = WayBack::find(app, request).await;
            let onward = way_back.as_ref().map(|way_back| way_back.onward(request));
            let page = Page::Done { action: ACTION, account: Some(email.display()), onward };
            let mut reply = show(app, request, page)?;
            reply.headers.push(cookies::forget_flow()?);
            Ok(reply)
        }
        Ok(EmailVerified::PasswordRequired { reset_token, email }) => {
            show(app, request, Page::ChoosePassword { token: &reset_token, account: email.display() })
        }
        Err(EmailVerifyError::InvalidLink | EmailVerifyError::InvalidCode) => {
            show(app, request, Page::LinkInvalid(ACTION))
        }
        Err(EmailVerifyError::TooManyAttempts { retry_after }) => Err(Problem::too_many_attempts(retry_after)),
        Err(EmailVerifyError::Fault(fault)) => Err(fault.into()),
    }
}
