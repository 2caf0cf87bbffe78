//! `GET` and `POST /oauth2/authorize`: an application sends its person's browser here (RFC 6749, 4.1.1; OpenID Connect Core 1.0,
//! 3.1.2.1), and it goes back with a code once the person has signed in.

use http::Method;
use wardgate::app::{App, Needs};
use wardgate::domain::oauth::continuation::{AUTHORIZE, Continuation};
use wardgate::http::authorization_answer::send_back;
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, html};
use wardgate::http::page::{Form, Notice};
use wardgate::http::page_endpoint::{PERSON, refuse};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::admitted::AuthorizeError;
use wardgate::use_cases::oauth::authorize::{Authorize, Authorized, Visit, authorize};

/// What answers both.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "authorize",
    routes: &[Route::get(AUTHORIZE), Route::further("authorize-by-form", Method::POST, AUTHORIZE)],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::LoginMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask for a person's sign-in (RFC 6749, OpenID Connect Core 1.0)",
    bearer: Bearer::Ignored,
    parameters: &[
        Parameter::query("client_id", "The client."),
        Parameter::query("redirect_uri", "Where the answer goes: one that the client has registered, byte for byte."),
        Parameter::query("response_type", "`code`."),
        Parameter::query("scope", "What is asked for, with spaces between. Unknown scopes are left out."),
        Parameter::query("state", "Comes back with the answer."),
        Parameter::query("nonce", "Comes back in the ID token."),
        Parameter::query("code_challenge", "The SHA-256 of the verifier in base64url (RFC 7636)."),
        Parameter::query("code_challenge_method", "`S256`."),
        Parameter::query("resource", "An API that tokens are asked for (RFC 8707); may come more than once."),
        Parameter::query("prompt", "`none`, `create`, or some of `login`, `select_account` and `consent`."),
        Parameter::query("max_age", "How many seconds ago the person may have signed in."),
        Parameter::query("response_mode", "`query`, or `form_post`."),
        Parameter::query("ui_locales", "Languages of the pages, the most liked first."),
        Parameter::query("id_token_hint", "An ID token of the person who is to be signed in."),
        Parameter::query("login_hint", "The address of the person, if the client knows it."),
    ],
    request: Body::None,
    responses: &[
        (200, "The same from a form of ours, or into one of the client's: a page that leads on by itself.", Some(html)),
        (302, "Back to the client, with `code` or `error`, `state` and `iss` (RFC 9207).", None),
        (303, "To the page on which the person signs in or is asked; from a form, to the same by GET.", None),
        (400, "The client is not known, or the address is not its own: the browser is sent nowhere.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    // A form of another site's comes without the session's cookie; the GET that it is led on to comes with it (OC-27).
    if !request.body.is_empty() {
        request.require_form()?;
        let query = String::from_utf8_lossy(&request.body);
        return match Continuation::of_authorize(&query) {
            Some(request) => Reply::see_other(&request.location(None)),
            None => refuse(app, request, Notice::TooLong),
        };
    }
    let session_token = cookies::session_token(&request.headers);
    let asked = Authorize { query: &request.query, session_token: session_token.as_deref() };
    match authorize(app, &request.context, asked).await {
        Ok(Authorized::Back(answer)) => {
            let language = Continuation::of_authorize(&request.query).and_then(|asked| asked.language());
            send_back(app, language.unwrap_or(request.context.language), &answer)
        }
        Ok(Authorized::Visit { page, request, flow }) => {
            let form = match page {
                Visit::SignIn => Form::Login,
                Visit::Register => Form::Register,
                Visit::Consent => Form::Consent,
            };
            Reply::see_other(&format!("{}?request={request}&flow={flow}", form.path()))
        }
        Err(AuthorizeError::UnknownClient) => refuse(app, request, Notice::UnknownClient),
        Err(AuthorizeError::ForeignRedirectUri) => refuse(app, request, Notice::ForeignRedirectUri),
        Err(AuthorizeError::TooLong) => refuse(app, request, Notice::TooLong),
        Err(AuthorizeError::Fault(fault)) => Err(fault.into()),
    }
}
