//! `POST /ui/login`: signs a browser in with an address and a password, and leads on to where it was going.
//!
//! Whatever goes wrong shows the form again, with what was typed but the password: nobody has to begin anew (OC-18).

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::oauth::continuation::Continuation;
use wardgate::domain::password::Password;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Reserve, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{Action, LoginPage, LoginRefusal, Notice, Page};
use wardgate::http::page_endpoint::{PERSON, show};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, csrf, members};
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::authorize::{AskingClient, asking_client};
use wardgate::use_cases::password_check::PasswordCheckError;
use wardgate::use_cases::sign_in::login::Login;
use wardgate::use_cases::sign_in::login_in_browser::{SignedInBrowser, login_in_browser};

/// What answers `POST /ui/login`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-login",
    routes: &[Route::post("/ui/login")],
    class: Class::Hashing(Reserve::Login),
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::PasswordWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in on a page, with an address and a password",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<LoginForm>),
    responses: &[
        (200, "Signed in, and the browser was on its way to nowhere else.", Some(html)),
        (303, "Signed in: on to where the browser was going. The session is in a cookie.", None),
        (400, "The address or the password is wrong: which of them is not told.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LoginForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// The account's address.
    email: String,
    /// Its password.
    password: String,
    /// `yes` where the browser is to be signed in after it has been closed, too.
    remember: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: LoginForm = match request.form() {
        Ok(form) => form,
        // A person reads what is wrong with a form; what is none was sent by a program.
        Err(problem) if problem.status == StatusCode::UNSUPPORTED_MEDIA_TYPE => return Err(problem),
        Err(problem) => return Err(Problem { page: Some(Box::new(not_understood(app, request)?)), ..problem }),
    };
    let going_to = form.request.as_deref().map(Continuation::decode);
    if going_to == Some(None) {
        return not_understood(app, request);
    }
    let going_to = going_to.flatten();
    match attempt(app, request, &form).await {
        Ok(signed_in) => {
            let mut reply = match &going_to {
                Some(going_to) => Reply::see_other(&going_to.location(form.flow.as_deref()))?,
                None => show(app, request, Page::Done { action: Action::SignIn, account: None })?,
            };
            let remember = form.remember.is_some();
            reply.headers.push(cookies::keep_session(app, &signed_in.session_token, remember)?);
            reply.headers.push(cookies::keep_device(app, &signed_in.device_token)?);
            Ok(reply)
        }
        Err((refusal, cause)) => {
            // Without it the form can be sent all the same.
            let client = match &going_to {
                Some(going_to) => asking_client(app, going_to).await.ok().flatten(),
                None => None,
            };
            let reply = show_again(app, request, client.as_ref(), &form, refusal)?;
            // The page is the answer; what is behind it is for the log.
            Err(Problem { page: Some(Box::new(reply)), ..cause })
        }
    }
}

/// Of a form, or of a page's address, that is none of ours.
pub(crate) fn not_understood(app: &App, request: &Request) -> Result<Reply, Problem> {
    show(app, request, Page::Message { notice: Notice::NotUnderstood, status: StatusCode::BAD_REQUEST })
}

async fn attempt(app: &App, request: &Request, form: &LoginForm) -> Result<SignedInBrowser, (LoginRefusal, Problem)> {
    csrf::admit(app, &request.headers, form.csrf.as_deref()).map_err(|problem| (LoginRefusal::Forged, problem))?;
    let wrong = || (LoginRefusal::Wrong, PasswordCheckError::Wrong.into());
    let address = |cause| (LoginRefusal::Address, cause);
    let email = members::email(form.email.trim()).map_err(address)?;
    // As any other wrong one, but there is nothing to compare.
    let password = Password::attempt(&form.password).ok_or_else(wrong)?;
    let device_token = cookies::device_token(app, &request.headers, None);
    let session_token = cookies::session_token(&request.headers);
    let login = Login { email, password, device_token };
    login_in_browser(app, &request.context, login, session_token.as_deref()).await.map_err(|error| match error {
        PasswordCheckError::Wrong => wrong(),
        PasswordCheckError::TooManyAttempts { retry_after } => {
            (LoginRefusal::TooMany(retry_after), Problem::too_many_attempts(retry_after))
        }
        PasswordCheckError::Fault(fault) => {
            let problem = Problem::from(fault);
            (LoginRefusal::Down(problem.retry_after), problem)
        }
    })
}

fn show_again(
    app: &App,
    request: &Request,
    client: Option<&AskingClient>,
    form: &LoginForm,
    refusal: LoginRefusal,
) -> Result<Reply, Problem> {
    let page = LoginPage {
        request: form.request.as_deref(),
        flow: form.flow.as_deref().unwrap_or_default(),
        account: Some(form.email.as_str()).filter(|email| !email.is_empty()),
        remember: form.remember.is_some(),
        is_typed_wrong: refusal.is_typed_wrong(),
        refusal: Some(refusal),
        ..LoginPage::default()
    };
    show_login(app, request, client, page)
}

/// Shows the form for an application, and has the browser keep what the form is known by.
pub(crate) fn show_login(
    app: &App,
    request: &Request,
    client: Option<&AskingClient>,
    page: LoginPage<'_>,
) -> Result<Reply, Problem> {
    let token = csrf::token(app, &request.headers)?;
    let name = client.map(|client| &client.name);
    let name = name.and_then(|name| name.get(request.context.language.tag()).or_else(|| name.get("en")));
    let leads_to = client.and_then(|client| client.leads_to.as_deref());
    let page = LoginPage { csrf: &token, application: name.map(String::as_str), leads_to, ..page };
    let mut reply = show(app, request, Page::Login(page))?;
    reply.headers.push(csrf::keep(&token)?);
    Ok(reply)
}
