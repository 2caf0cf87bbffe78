//! `GET` and `POST /oauth2/logout`: an application sends its person's browser here to be signed out (OpenID Connect RP-Initiated
//! Logout 1.0).

use http::Method;
use wardgate::app::{App, Needs};
use wardgate::domain::language::Language;
use wardgate::domain::oauth::continuation::{Continuation, LOGOUT};
use wardgate::http::authorization_answer::leave;
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, html};
use wardgate::http::page::{self, Form, Notice, Onward, Page};
use wardgate::http::page_endpoint::{PERSON, refuse};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::asking_client::words_in;
use wardgate::use_cases::oauth::end_session::{EndSessionError, SignOut, WayOut, end_session};

/// What answers both.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "end-session",
    routes: &[Route::get(LOGOUT), Route::further("end-session-by-form", Method::POST, LOGOUT)],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::PublicKeys], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign a person out (OpenID Connect RP-Initiated Logout 1.0)",
    bearer: Bearer::Ignored,
    parameters: &[
        Parameter::query("id_token_hint", "An ID token of this session, however old: with it the person is not asked."),
        Parameter::query("client_id", "The client, where no ID token says it."),
        Parameter::query(
            "post_logout_redirect_uri",
            "Where the browser goes then: one that the client has registered.",
        ),
        Parameter::query("state", "Comes back with that."),
        Parameter::query("ui_locales", "Languages of the pages, the most liked first."),
    ],
    request: Body::None,
    responses: &[
        (200, "Signed out, and no address was asked for; or a page that leads on by itself.", Some(html)),
        (302, "Signed out: back to the client, with `state`.", None),
        (303, "To the page that asks the person; from a form, to the same by GET.", None),
        (400, "The client, its address or its ID token is none: nothing was ended.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    // As at the authorization endpoint, a form of another site's comes without the session's cookie (OC-27). Nothing is
    // carried that may be too long for an address.
    if !request.body.is_empty() {
        request.require_form()?;
        let query = String::from_utf8_lossy(&request.body);
        return match Continuation::of_logout(&query) {
            Some(request) => Reply::see_other(&request.location(None)),
            None => refuse(app, request, Notice::TooLong),
        };
    }
    let language = Continuation::of_logout(&request.query).and_then(|asked| asked.language());
    let language = language.unwrap_or(request.context.language);
    let session_token = cookies::session_token(&request.headers);
    match end_session(app, &request.context, &request.query, session_token.as_deref()).await {
        Ok(SignOut::Done(way_out)) => {
            let mut reply = signed_out(app, language, &way_out)?;
            if session_token.is_some() {
                reply.headers.push(cookies::forget_session()?);
            }
            Ok(reply)
        }
        Ok(SignOut::Ask { request }) => Reply::see_other(&format!("{}?request={request}", Form::SignOut.path())),
        Err(EndSessionError::Invalid) => refuse(app, request, Notice::NotUnderstood),
        Err(EndSessionError::UnknownClient) => refuse(app, request, Notice::UnknownClient),
        Err(EndSessionError::ForeignRedirectUri) => refuse(app, request, Notice::ForeignRedirectUri),
        Err(EndSessionError::TooLong) => refuse(app, request, Notice::TooLong),
        Err(EndSessionError::Fault(fault)) => Err(fault.into()),
    }
}

fn signed_out(app: &App, language: Language, way_out: &WayOut) -> Result<Reply, Problem> {
    let Some(location) = &way_out.location else {
        return page::render_for(Page::SignedOut, language, &app.config, Some(&way_out.brand));
    };
    let onward = Onward { location, application: words_in(&way_out.application, language) };
    leave(app, language, onward, &way_out.brand, way_out.after_form)
}
