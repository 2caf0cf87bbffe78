//! What the pages have in common with which people sign in or get to where they can: where the browser is going, and the form
//! that is shown again with what was typed.

pub(crate) mod account;

use http::{HeaderName, HeaderValue, StatusCode};
use wardgate::app::App;
use wardgate::domain::email::Email;
use wardgate::domain::factors::{Method, Wanted};
use wardgate::domain::language::Language;
use wardgate::domain::oauth::continuation::Continuation;
use wardgate::http::page::{
    self, Action, Asked, FirstStep, Form, FormPage, FormRefusal, Notice, Onward, Page, RememberDevice,
};
use wardgate::http::page_endpoint::{refuse, show};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, csrf, members};
use wardgate::use_cases::oauth::asking_client::{AskingClient, asking_client};
use wardgate::use_cases::sign_in::login_in_browser::{SignedInBrowser, session_of_refresh_token};
use wardgate::use_cases::sign_in::second_step::MfaRequired;
use wardgate::use_cases::sign_in::session::SignedIn;

/// Why a form is refused, and the cause for the log.
pub(crate) type Refused<'a> = (FormRefusal<'a>, Box<Problem>);

/// A form that is refused.
pub(crate) fn refused(refusal: FormRefusal<'_>, cause: impl Into<Problem>) -> Refused<'_> {
    (refusal, Box::new(cause.into()))
}

/// What every form sends along.
#[derive(Clone, Copy)]
pub(crate) struct Carried<'a> {
    /// Where the browser is going.
    pub(crate) request: Option<&'a str>,
    /// When that began.
    pub(crate) flow: Option<&'a str>,
}

/// What a page is opened with, of which the browser may be on its way to an application.
#[derive(serde::Deserialize)]
pub(crate) struct Opened {
    request: Option<String>,
    flow: Option<String>,
}

impl Opened {
    pub(crate) fn carried(&self) -> Carried<'_> {
        Carried { request: self.request.as_deref(), flow: self.flow.as_deref() }
    }
}

/// Where the browser is going: to an application, or nowhere.
pub(crate) struct GoingTo<'a> {
    carried: Carried<'a>,
    /// As both stand in the query of another page.
    query: String,
    continuation: Option<Continuation>,
}

impl<'a> GoingTo<'a> {
    /// For a person's own page.
    pub(crate) const fn nowhere() -> Self {
        Self { carried: Carried { request: None, flow: None }, query: String::new(), continuation: None }
    }

    /// Reads it. `None` where it leads to no path of ours (OC-28).
    pub(crate) fn read(carried: Carried<'a>) -> Option<Self> {
        let Some(request) = carried.request else { return Some(Self::nowhere()) };
        let continuation = Continuation::decode(request)?;
        let query = continuation.page_query(carried.flow.unwrap_or_default());
        Some(Self { carried, query, continuation: Some(continuation) })
    }

    /// The request for a sign-in; `None` where the browser is going nowhere, or is to be signed out.
    pub(crate) fn authorization(&self) -> Option<&Continuation> {
        self.continuation.as_ref().filter(|it| it.is_authorization())
    }

    /// The application. Without it a form can be shown all the same.
    pub(crate) async fn client(&self, app: &App) -> Option<AskingClient> {
        asking_client(app, self.continuation.as_ref()?).await.ok().flatten()
    }

    /// What a sign-in on the way there is for.
    pub(crate) fn wanted(&self) -> Wanted {
        self.continuation.as_ref().map_or(Wanted::Session, Continuation::wanted)
    }

    /// Asks for the second factor, of a person who has shown the first: by the link of a mail, or otherwise.
    pub(crate) async fn ask_second(
        &self,
        app: &App,
        request: &Request,
        required: &MfaRequired,
        by_link: bool,
        page: FormPage<'_>,
    ) -> Result<Reply, Problem> {
        let has = |method| required.methods.contains(&method);
        let (passkey, app_too) = (has(Method::Passkey), has(Method::Totp));
        let first_step = Some(FirstStep {
            mfa_token: &required.mfa_token,
            by_link,
            passkey,
            app: app_too,
            remember_device: RememberDevice::offered(required.remember_device_days, false),
        });
        let page = FormPage { form: Form::SecondFactor, first_step, ..page };
        self.show_form(app, request, page).await
    }

    /// Where the browser goes on once its person is signed in.
    pub(crate) fn location(&self) -> Option<String> {
        self.continuation.as_ref().map(|it| it.location(self.carried.flow))
    }

    /// The way back to where people sign in.
    pub(crate) fn sign_in(&self) -> String {
        format!("/ui/login{}", self.query)
    }

    /// The header field that lets the pages of mailed links lead back to the application, if there is one (OC-18).
    pub(crate) fn keep(&self) -> Result<Option<(HeaderName, HeaderValue)>, Problem> {
        let Carried { request, flow } = self.carried;
        request.map_or(Ok(None), |request| cookies::keep_continuation(request, flow.unwrap_or_default()))
    }

    /// The language that the application asks for, or else that of the browser.
    pub(crate) fn language(&self, request: &Request) -> Language {
        self.continuation.as_ref().and_then(Continuation::language).unwrap_or(request.context.language)
    }

    /// Shows a form, and has the browser keep what the form is known by.
    pub(crate) async fn show_form(&self, app: &App, request: &Request, page: FormPage<'_>) -> Result<Reply, Problem> {
        self.show_with(app, request, page, None).await
    }

    /// As [`Self::show_form`]; with where the answer goes and what is asked for, it asks for consent.
    pub(crate) async fn show_with(
        &self,
        app: &App,
        request: &Request,
        page: FormPage<'_>,
        consent: Option<(&str, &[Asked<'_>])>,
    ) -> Result<Reply, Problem> {
        let client = self.client(app).await;
        let language = self.language(request);
        let token = csrf::token(app, &request.headers)?;
        let account = page.account.or_else(|| client.as_ref().and_then(|client| client.login_hint.as_deref()));
        let switches = &app.config.switches;
        let page = FormPage {
            request: self.carried.request,
            flow: self.carried.flow.unwrap_or_default(),
            carried: &self.query,
            csrf: &token,
            application: client.as_ref().and_then(|client| client.name_in(language)),
            account: account.filter(|account| !account.is_empty()),
            by_code: switches.email_codes,
            sign_up: switches.sign_up,
            ..page
        };
        let page = match consent {
            Some((host, asks)) => Page::Consent { page, host, asks },
            None => Page::Form(page),
        };
        let mut reply = page::render_for(page, language, &app.config, client.as_ref().map(|client| &client.brand))?;
        reply.headers.push(csrf::keep(&token)?);
        Ok(reply)
    }

    /// Says that a mail is on its way, or is not. The page looks as its form did.
    pub(crate) async fn show_mailed(
        &self,
        app: &App,
        request: &Request,
        form: Form,
        account: &str,
    ) -> Result<Reply, Problem> {
        let client = self.client(app).await;
        let page = Page::Mailed { form, account, sign_in: &self.sign_in() };
        let brand = client.as_ref().map(|client| &client.brand);
        page::render_for(page, self.language(request), &app.config, brand)
    }

    /// Shows a form again. The page is the answer; what is behind it is for the log.
    pub(crate) async fn show_again(
        &self,
        app: &App,
        request: &Request,
        page: FormPage<'_>,
        (refusal, cause): Refused<'_>,
    ) -> Result<Reply, Problem> {
        let reply = self.show_form(app, request, FormPage { refusal: Some(refusal), ..page }).await?;
        Err(Problem { page: Some(Box::new(reply)), ..*cause })
    }

    /// Sends a browser on whose person is signed in.
    pub(crate) fn signed_in(
        &self,
        app: &App,
        request: &Request,
        signed_in: &SignedInBrowser,
        remember: bool,
    ) -> Result<Reply, Problem> {
        let mut reply = match self.location() {
            Some(location) => Reply::see_other(&location)?,
            None => page::render(Page::SignedIn, self.language(request), &app.config)?,
        };
        reply.headers.push(cookies::keep_session(app, &signed_in.session_token, remember)?);
        reply.headers.push(cookies::keep_device(app, &signed_in.device_token)?);
        Ok(reply)
    }
}

/// Has a browser keep what it has signed in with by the link of a mail: in cookie mode (SE-06), so that a page of ours and
/// applications find the session, too.
pub(crate) async fn signed_in_by_link(app: &App, request: &Request, signed_in: &SignedIn) -> Result<Reply, Problem> {
    let way_back = WayBack::find(app, request).await;
    let onward = way_back.as_ref().map(|way_back| way_back.onward(request));
    let mut reply = show(app, request, Page::Done { action: Action::SignIn, account: None, onward })?;
    reply.headers.push(cookies::keep(app, &signed_in.refresh_token)?);
    if let Some(token) = session_of_refresh_token(app, &request.context, &signed_in.refresh_token).await? {
        reply.headers.push(cookies::keep_session(app, &token, false)?);
    }
    if let Some(token) = &signed_in.device_token {
        reply.headers.push(cookies::keep_device(app, token)?);
    }
    Ok(reply)
}

/// Whether a form was sent, and not a page opened.
pub(crate) fn is_sent(request: &Request) -> bool {
    !request.body.is_empty() || request.headers.contains_key(http::header::CONTENT_TYPE)
}

/// What was sent as a form. A person reads what is wrong with one; what is none was sent by a program.
pub(crate) fn form<T: serde::de::DeserializeOwned>(app: &App, request: &Request) -> Result<T, Problem> {
    request.form().map_err(|problem| {
        if problem.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
            return problem;
        }
        match not_understood(app, request) {
            Ok(page) => Problem { page: Some(Box::new(page)), ..problem },
            Err(_) => problem,
        }
    })
}

/// Of a form, or of a page's address, that is none of ours.
pub(crate) fn not_understood(app: &App, request: &Request) -> Result<Reply, Problem> {
    refuse(app, request, Notice::NotUnderstood)
}

/// Refuses a form that does not come from our page in this browser.
pub(crate) fn admit<'a>(app: &App, request: &Request, csrf: Option<&str>) -> Result<(), Refused<'a>> {
    csrf::admit(app, &request.headers, csrf).map_err(|problem| refused(FormRefusal::Forged, problem))
}

/// The address that was typed.
pub(crate) fn address<'a>(typed: &str) -> Result<Email, Refused<'a>> {
    members::email(typed.trim()).map_err(|problem| refused(FormRefusal::Address, problem))
}

/// Too many attempts.
pub(crate) fn too_many<'a>(retry_after: std::time::Duration) -> Refused<'a> {
    refused(FormRefusal::TooMany(retry_after), Problem::too_many_attempts(retry_after))
}

/// Something is down.
pub(crate) fn down<'a>(cause: impl Into<Problem>) -> Refused<'a> {
    let problem = cause.into();
    refused(FormRefusal::Down(problem.retry_after), problem)
}

/// The application that a browser was on the way to when it asked for a mail (OC-18), once the mail's page is at its end.
pub(crate) struct WayBack {
    location: String,
    client: AskingClient,
}

impl WayBack {
    /// Finds it. Without it, the page is as it is for everybody else.
    pub(crate) async fn find(app: &App, request: &Request) -> Option<Self> {
        let (asked, flow) = cookies::continuation(&request.headers)?;
        let continuation = Continuation::decode(&asked)?;
        let client = asking_client(app, &continuation).await.ok().flatten()?;
        Some(Self { location: continuation.location(Some(&flow)), client })
    }

    /// As the page shows it.
    pub(crate) fn onward(&self, request: &Request) -> Onward<'_> {
        Onward { location: &self.location, application: self.client.name_in(request.context.language) }
    }
}
