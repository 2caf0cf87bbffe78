//! `/ui/account`: a person's own page, and the forms of it that check no password.

use http::{Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::domain::audit::Activity;
use wardgate::domain::device::device_name;
use wardgate::domain::factors::Level;
use wardgate::domain::id::SessionId;
use wardgate::domain::language::Language;
use wardgate::domain::name::DisplayName;
use wardgate::domain::oauth::client::ClientId;
use wardgate::domain::oauth::continuation::{ACCOUNT, ACCOUNT_DELETE};
use wardgate::domain::session::Session;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, html, schema};
use wardgate::http::page::{AccountPage, ActivityRow, ApplicationRow, Form, FormPage, Notice, Page, SessionRow};
use wardgate::http::page_endpoint::{PERSON, show};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::http::{cookies, csrf};
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::account_overview::{AccountOverview, Application, account_overview};
use wardgate::use_cases::accounts::me_delete::me_delete;
use wardgate::use_cases::accounts::me_export::me_export;
use wardgate::use_cases::accounts::me_update::me_update;
use wardgate::use_cases::oauth::asking_client::words_in;
use wardgate::use_cases::oauth::end_application::end_application;
use wardgate::use_cases::sign_in::session_end::{EndSessionError, end_session};
use wardgate::use_cases::sign_in::sessions_end_others::end_other_sessions;

use crate::flow::account::{Asking, SAID, minute, sign_in_first};
use crate::flow::{self, GoingTo};

/// What answers all of it.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-account",
    routes: &[
        Route::get(ACCOUNT),
        Route::further("page-account-form", Method::GET, "/ui/account/{section}"),
        Route::further("page-account-change", Method::POST, "/ui/account/{section}"),
    ],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "A person's own page: profile, sessions, applications, activity, data",
    bearer: Bearer::Ignored,
    parameters: &[
        Parameter {
            name: "section",
            location: "path",
            description: "To see: email, password or delete. To change: profile, sessions, apps, export or delete.",
            schema: schema::<String>,
        },
        Parameter::query("said", "`saved`, after a change."),
    ],
    request: Body::Form(schema::<AccountForm>),
    responses: &[
        (200, "The page, or a form of it; or what is held about the person, to be saved.", Some(html)),
        (303, "It is done; or nobody is signed in, or not recently enough: on to where people sign in.", None),
        (400, "A field breaks a rule.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (404, "There is no such page.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What a form of the page sends: the member that says what is meant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AccountForm {
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// Of profile: the person's name, or nothing.
    name: Option<String>,
    /// Of sessions: the one to end.
    session: Option<String>,
    /// Of sessions: `yes` ends all others.
    others: Option<String>,
    /// Of apps: the one to take everything back from.
    application: Option<String>,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let asking = Asking::of(request);
    let section = request.path_parameter("section");
    if flow::is_sent(request) {
        return change(app, request, &asking, section).await;
    }
    let form = Form::ACCOUNT.into_iter().find(|form| form.page().strip_prefix("/ui/account/") == Some(section));
    match form {
        Some(form) => match asking.admit_fresh(app, request, form.page()).await? {
            Ok(found) => {
                // Another address is typed, and the present one is not.
                let account = (form != Form::AccountEmail).then_some(found.user.email.display());
                let factors = &found.user.factors;
                let policy = factors.password_policy(app.config.passkeys.rp_id());
                let page = FormPage { form, account, password: factors.password, policy, ..FormPage::default() };
                GoingTo::nowhere().show_form(app, request, page).await
            }
            Err(elsewhere) => Ok(elsewhere),
        },
        None if section.is_empty() => overview(app, request, &asking).await,
        None => Err(Problem::not_found("There is no such page.")),
    }
}

async fn overview(app: &App, request: &Request, asking: &Asking) -> Result<Reply, Problem> {
    let found = match account_overview(app, &request.context, asking.caller()).await {
        Ok(found) => found,
        Err(error) => return sign_in_first(ACCOUNT, error),
    };
    let AccountOverview { user, current, sessions, applications, activity } = found;
    let token = csrf::token(app, &request.headers)?;
    let language = request.context.language;
    let sessions: Vec<SessionRow> = sessions.into_iter().map(|session| session_row(session, current)).collect();
    let applications: Vec<ApplicationRow> = applications.into_iter().map(|it| application_row(it, language)).collect();
    let activity: Vec<ActivityRow> = activity.into_iter().map(activity_row).collect();
    let page = AccountPage {
        csrf: &token,
        name: user.name.as_ref().map(DisplayName::as_str),
        email: user.email.display(),
        second_factor: user.factors.level(app.config.passkeys.rp_id()) == Level::Two,
        sessions: &sessions,
        applications: &applications,
        activity: &activity,
        said: if request.query == SAID { "saved" } else { "" },
    };
    let mut reply = show(app, request, Page::Account(page))?;
    reply.headers.push(csrf::keep(&token)?);
    Ok(reply)
}

async fn change(app: &App, request: &Request, asking: &Asking, section: &str) -> Result<Reply, Problem> {
    let form: AccountForm = flow::form(app, request)?;
    if let Err(problem) = csrf::admit(app, &request.headers, form.csrf.as_deref()) {
        let page = Page::Message { notice: Notice::NotUnderstood, status: StatusCode::FORBIDDEN };
        return Err(Problem { page: Some(Box::new(show(app, request, page)?)), ..problem });
    }
    let (context, caller) = (&request.context, asking.caller());
    let changed = match section {
        "profile" => {
            let typed = form.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
            let Ok(name) = typed.map(DisplayName::parse).transpose() else { return flow::not_understood(app, request) };
            me_update(app, context, caller, name).await.map(drop)
        }
        "sessions" if form.others.is_some() => end_other_sessions(app, context, caller).await,
        "sessions" => {
            let id = form.session.as_deref().and_then(|id| SessionId::parse(id).ok());
            match end_session(app, context, caller, id).await {
                // It has ended by itself meanwhile.
                Ok(()) | Err(EndSessionError::NotFound) => Ok(()),
                Err(EndSessionError::Authenticate(error)) => Err(error),
                Err(EndSessionError::Fault(fault)) => Err(fault.into()),
            }
        }
        "apps" => {
            let id = form.application.as_deref().and_then(|id| ClientId::parse(id).ok());
            let Some(id) = id else { return flow::not_understood(app, request) };
            end_application(app, context, caller, &id).await
        }
        "export" => return export(app, request, asking).await,
        "delete" => return delete(app, request, asking).await,
        _ => return Err(Problem::not_found("There is no such page.")),
    };
    match changed {
        Ok(()) => Reply::see_other(&format!("{ACCOUNT}?{SAID}")),
        Err(error) => sign_in_first(ACCOUNT, error),
    }
}

async fn export(app: &App, request: &Request, asking: &Asking) -> Result<Reply, Problem> {
    match me_export(app, &request.context, asking.caller()).await {
        Ok(export) => accounts::me_export::document(export, request.context.now),
        Err(error) => sign_in_first(ACCOUNT, error),
    }
}

async fn delete(app: &App, request: &Request, asking: &Asking) -> Result<Reply, Problem> {
    match me_delete(app, &request.context, asking.caller()).await {
        Ok(_) => {
            let page = Page::Changed { form: Form::AccountDelete, account: None, onward: None };
            let mut reply = show(app, request, page)?;
            reply.headers.push(cookies::forget_session()?);
            Ok(reply)
        }
        Err(error) => sign_in_first(ACCOUNT_DELETE, error),
    }
}

fn session_row(session: Session, current: SessionId) -> SessionRow {
    SessionRow {
        id: session.id.to_string(),
        current: session.id == current,
        device: device_name(session.user_agent.as_deref()),
        address: session.address,
        at: minute(session.authenticated_at),
    }
}

fn application_row(application: Application, language: Language) -> ApplicationRow {
    let name = words_in(&application.name, language);
    ApplicationRow {
        name: name.unwrap_or(application.id.as_str()).to_owned(),
        scopes: application.scopes.into_iter().collect(),
        at: minute(application.since),
        id: application.id.as_str().to_owned(),
    }
}

fn activity_row(line: Activity) -> ActivityRow {
    ActivityRow {
        action: line.action,
        at: minute(line.at),
        device: line.user_agent.as_deref().map(|agent| device_name(Some(agent))),
        address: line.address,
    }
}
