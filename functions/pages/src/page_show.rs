//! `GET /ui/{page}`: shows the page that a mail links to. It uses nothing up and reads nothing (OT-05): only the page's
//! button does something with the link's token. And the pages with which people sign in, which read what the
//! application is called that sent the browser.

use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, html, schema};
use wardgate::http::page::{Action, Form, FormPage, Page};
use wardgate::http::page_endpoint::{PERSON, show, with_page};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{browser, csrf, favicon};

use crate::flow::{GoingTo, Opened, not_understood};

/// What answers `GET /ui/{page}`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-show",
    routes: &[
        Route::get("/ui/{page}"),
        // It says of every other path under its own that there is no such page, and has the icon.
        Route::any("/ui"),
        Route::any("/ui/{proxy+}"),
        Route::get(favicon::PATH),
    ],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Show a page that a mail or an application links to",
    bearer: Bearer::Ignored,
    parameters: &[
        Parameter {
            name: "page",
            location: "path",
            description: "verify-email, reset-password, confirm-email-change, undo-email-change, undo-factor, keep-factors, remove-factors, keep-account, sign-in, login, login-code, register or forgot.",
            schema: schema::<String>,
        },
        Parameter::query(
            "token",
            "The mail's token. Showing the page does not use it up. Other parameters are passed over.",
        ),
        Parameter::query(
            "request",
            "Of the last four: where the browser goes on afterwards, as /oauth2/authorize made it.",
        ),
        Parameter::query("flow", "Of the last four: when that began, as /oauth2/authorize made it."),
    ],
    request: Body::None,
    responses: &[
        (200, "The page, with a form that posts the token.", Some(html)),
        (400, "The link is not complete.", Some(html)),
    ],
    problems: &[(404, "There is no such page.")],
};

/// Mail systems add parameters of their own, which are passed over; a second token is refused.
#[derive(Deserialize)]
struct Link {
    token: String,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    if request.path == favicon::PATH {
        return Ok(favicon::reply());
    }
    if let Some(form) = Form::named(request.path_parameter("page")) {
        return show_form(app, request, form).await;
    }
    let action = Action::named(request.path_parameter("page"));
    let action = action.ok_or_else(|| Problem::not_found("There is no such page."))?;
    with_page(app, request, action, confirm(app, request, action))
}

async fn show_form(app: &App, request: &Request, form: Form) -> Result<Reply, Problem> {
    // A form without a request is for the person alone, and one with a broken request for nobody.
    let opened: Opened = request.query()?;
    let Some(going_to) = GoingTo::read(opened.carried()) else { return not_understood(app, request) };
    going_to.show_form(app, request, FormPage { form, ..FormPage::default() }).await
}

fn confirm(app: &App, request: &Request, action: Action) -> Result<Reply, Problem> {
    let link: Link = request.query()?;
    if link.token.is_empty() {
        return show(app, request, Page::LinkInvalid(action));
    }
    let csrf = if action.uses_cookies() { Some(csrf::token(app, &request.headers)?) } else { None };
    let page = Page::Confirm { action, token: &link.token, csrf: csrf.as_deref(), rejection: None };
    let mut reply = show(app, request, page)?;
    reply.headers.push(browser::keep(app, &request.headers)?);
    if let Some(csrf) = csrf {
        reply.headers.push(csrf::keep(&csrf)?);
    }
    Ok(reply)
}
