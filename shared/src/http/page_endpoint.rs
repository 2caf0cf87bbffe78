//! What the endpoints of pages have in common: a person reads the answer, also where it is a refusal.

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::app::App;
use crate::http::endpoint::Reader;
use crate::http::page::{self, Action, Page};
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::http::request::Request;

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

/// Shows a page in the language of the request.
pub fn show(app: &App, request: &Request, page: Page<'_>) -> Result<Reply, Problem> {
    page::render(page, request.context.language, &app.config.service)
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
