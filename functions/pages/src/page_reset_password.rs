//! `POST /ui/reset-password`: sets a new password with a mailed link, from the link's own page.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, Page};
use wardgate::http::page_endpoint::{PERSON, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::password_reset::{PasswordReset, PasswordResetError, password_reset};

use crate::flow::WayBack;

const ACTION: Action = Action::ResetPassword;

/// What answers `POST /ui/reset-password`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-reset-password",
    routes: &[Route::post(ACTION.path())],
    class: Class::Hashing(Reserve::Password),
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::MailMac, RingName::SessionMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(async { with_page(app, request, ACTION, handle(app, request).await) }),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Set a new password, from the page that a mail links to",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<ResetPasswordForm>),
    responses: &[
        (200, "The password is set, and every session has ended.", Some(html)),
        (
            400,
            "The link no longer works; or the password is not good enough: the page says why, and has the form again.",
            Some(html),
        ),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the page's form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordForm {
    /// The token of the mailed link.
    token: String,
    /// The new password.
    #[schemars(length(min = 15, max = 256))]
    new_password: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: ResetPasswordForm = request.form()?;
    let (email, rejected);
    let way_back = WayBack::find(app, request).await;
    let onward = way_back.as_ref().map(|way_back| way_back.onward(request));
    let page = match password_reset(app, &request.context, &form.token, &form.new_password).await {
        Ok(PasswordReset::Set(set, account)) => {
            let page = Page::Done { action: ACTION, account: Some(account.display()), onward };
            let mut reply = show(app, request, page)?;
            // Only where the form is our page's (SE-06).
            if cookies::admit_own_origin(app, &request.headers).is_ok() {
                reply.headers.push(cookies::keep_device(app, &set.device_token)?);
            }
            return Ok(reply);
        }
        Ok(PasswordReset::Repeated(account)) => {
            email = account;
            Page::Done { action: ACTION, account: Some(email.display()), onward }
        }
        Err(PasswordResetError::InvalidToken) => Page::LinkInvalid(ACTION),
        Err(PasswordResetError::Password(rejection, account)) => {
            (rejected, email) = (rejection, account);
            let rejection = Some((&rejected, email.display()));
            Page::Confirm { action: ACTION, token: &form.token, csrf: None, rejection }
        }
        Err(PasswordResetError::Fault(fault)) => return Err(fault.into()),
    };
    show(app, request, page)
}
