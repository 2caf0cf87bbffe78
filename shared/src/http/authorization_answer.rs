//! How an answer gets to a client: by a redirect, or by a page of ours where the browser comes from a form.
//!
//! Browsers hold a form's policy against all that its answer leads to (OC-30). Of an application that leads on to another
//! origin of its own nobody here knows, so the way of a form ends at a page, and that leads on.

use http::StatusCode;

use crate::app::App;
use crate::domain::language::Language;
use crate::domain::oauth::authorization::ResponseMode;
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::redirect_uri::with_parameters;
use crate::http::page::{self, Onward, Page};
use crate::http::problem::Problem;
use crate::http::reply::Reply;
use crate::use_cases::oauth::admitted::AuthorizationAnswer;
use crate::use_cases::oauth::asking_client::words_in;

/// Sends the browser back with a code or an error, `state` and `iss` (RFC 6749, 4.1.2; RFC 9207).
pub fn send_back(app: &App, language: Language, answer: &AuthorizationAnswer) -> Result<Reply, Problem> {
    let mut pairs = match &answer.result {
        Ok(code) => vec![("code", code.as_str())],
        Err(error) => vec![("error", error.code), ("error_description", error.description)],
    };
    pairs.extend(answer.state.iter().map(|state| ("state", state.as_str())));
    pairs.push(("iss", app.config.tokens.issuer.as_str()));
    let application = words_in(&answer.application, language);
    if answer.mode == ResponseMode::FormPost {
        let page = Page::Post { onward: Onward { location: &answer.redirect_uri, application }, fields: &pairs };
        return page::render_for(page, language, &app.config, Some(&answer.brand));
    }
    let location = with_parameters(&answer.redirect_uri, pairs);
    leave(app, language, Onward { location: &location, application }, &answer.brand, answer.after_form)
}

/// Sends a browser to an application.
pub fn leave(
    app: &App,
    language: Language,
    onward: Onward<'_>,
    brand: &ClientBrand,
    after_form: bool,
) -> Result<Reply, Problem> {
    if !after_form {
        return Reply::redirect(StatusCode::FOUND, onward.location);
    }
    page::render_for(Page::Leaving(onward), language, &app.config, Some(brand))
}
