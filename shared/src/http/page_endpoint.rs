//! What the endpoints of pages have in common: a person reads the answer, also where it is a refusal.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::{App, Needs};
use crate::domain::email::Email;
use crate::http::cors::Cors;
use crate::http::endpoint::{Class, Endpoint, HandlerFuture, Reader, Route};
use crate::http::openapi::{Bearer, Body, Operation, SchemaOf, html, schema};
use crate::http::page::{self, Action, Notice, Page};
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;
use crate::secrets::RingName;
use crate::use_cases::mailed_link::LinkError;

/// Who reads pages.
pub const PERSON: Reader = Reader::Person(page::refusal);

/// What a form sends that has nothing but its button.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkForm {
    /// The token of the mailed link.
    pub token: String,
}

/// What a form sends that has nothing but its button, and whose POST uses cookies (SE-06).
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CookieForm {
    /// The token of the mailed link.
    pub token: String,
    /// What the cookie `__Host-wardgate-csrf` says.
    pub csrf: Option<String>,
}

/// What a page whose form has nothing but its button can answer beside success.
pub const NO_LONGER: (u16, &str, Option<SchemaOf>) = (400, "The link no longer works.", Some(html));
/// What any page can answer.
pub const BUSY: (u16, &str, Option<SchemaOf>) = (503, "Busy; try again after Retry-After.", Some(html));

/// A page that a mailed link leads to, whose form has nothing but its button.
pub const fn link_page(
    name: &'static str,
    routes: &'static [Route],
    handler: for<'a> fn(&'a App, &'a Request) -> HandlerFuture<'a>,
) -> Endpoint {
    let needs = Needs { rings: &[RingName::MailMac], table: true };
    Endpoint { name, routes, class: Class::Standard, reader: PERSON, cors: Cors::None, needs, handler }
}

/// What the API description says of a [`link_page`].
pub const fn link_operation(
    summary: &'static str,
    responses: &'static [(u16, &'static str, Option<SchemaOf>)],
) -> Operation {
    let request = Body::Form(schema::<LinkForm>);
    Operation { summary, bearer: Bearer::Ignored, parameters: &[], request, responses, problems: &[] }
}

/// Answers the button of a [`link_page`]: `followed` is the account that the link has acted on.
pub fn answer_press(
    app: &App,
    request: &Request,
    action: Action,
    followed: Result<Email, LinkError>,
) -> Result<Reply, Problem> {
    match followed {
        Ok(email) => show(app, request, Page::Done { action, account: Some(email.display()), onward: None }),
        Err(LinkError::InvalidLink) => show(app, request, Page::LinkInvalid(action)),
        Err(LinkError::Fault(fault)) => Err(fault.into()),
    }
}

/// Shows a page in the language of the request.
pub fn show(app: &App, request: &Request, page: Page<'_>) -> Result<Reply, Problem> {
    page::render(page, request.context.language, &app.config)
}

/// A page with 400 that says why a browser is sent nowhere (OC-02), in the language of the request.
pub fn refuse(app: &App, request: &Request, notice: Notice) -> Result<Reply, Problem> {
    show(app, request, Page::Message { notice, status: StatusCode::BAD_REQUEST })
}

/// Gives a refusal its page. What was not sent by a form has none of its own here: only where a browser shows the answer
/// does a person read it ([`page::refusal`]).
pub fn with_page(
    app: &App,
    request: &Request,
    action: Action,
    result: Result<Reply, Problem>,
) -> Result<Reply, Problem> {
    result.map_err(|problem| {
        let page = match problem.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => return problem,
            StatusCode::FORBIDDEN => Page::Refused(action),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Page::TryLater { action, status, retry_after: problem.retry_after }
            }
            _ => Page::LinkInvalid(action),
        };
        match show(app, request, page) {
            Ok(reply) => Problem { page: Some(Box::new(reply)), ..problem },
            Err(_) => problem,
        }
    })
}
