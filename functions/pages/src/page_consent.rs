//! `GET` and `POST /ui/consent`: asks whoever is signed in whether an application may have something, or just whether it is them
//! (OC-21, OC-22).

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::authorization_answer::send_back;
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, Parameter, html, schema};
use wardgate::http::page::{Asked as AskedFor, Form, FormPage};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::oauth::consent::{Ask, Asked, Question, deny_consent, give_consent, question};

use crate::flow::{self, Carried, GoingTo, Opened, Refused};

/// What answers both.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-consent",
    routes: &[
        Route::post(Form::Consent.path()),
        Route::further("page-consent-question", Method::GET, Form::Consent.path()),
    ],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Ask a person for consent, on a page",
    bearer: Bearer::Ignored,
    parameters: &[
        Parameter::query("request", "Of the question: the request for a sign-in, as /oauth2/authorize made it."),
        Parameter::query("flow", "Of the question: when that began, as /oauth2/authorize made it."),
    ],
    request: Body::Form(schema::<ConsentForm>),
    responses: &[
        (200, "The question; of an answer that is no, the way back to the application.", Some(html)),
        (303, "Of an answer that is yes: on to the request. Or nobody is signed in any more: the same.", None),
        (400, "The request is none of ours.", Some(html)),
        (403, "The form does not come from our page in this browser: the question again.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConsentForm {
    /// The request, as the page has it.
    request: String,
    /// When it began, as the page has it.
    flow: String,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// What the person says.
    decision: Decision,
}

/// Yes or no.
#[derive(Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Decision {
    Allow,
    Deny,
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    if !flow::is_sent(request) {
        let opened: Opened = request.query()?;
        return ask(app, request, opened.carried(), None).await;
    }
    let form: ConsentForm = flow::form(app, request)?;
    let carried = Carried { request: Some(&form.request), flow: Some(&form.flow) };
    if let Err(refused) = flow::admit(app, request, form.csrf.as_deref()) {
        return ask(app, request, carried, Some(refused)).await;
    }
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    let Some(authorization) = going_to.authorization() else { return flow::not_understood(app, request) };
    if form.decision == Decision::Deny
        && let Some(answer) = deny_consent(app, authorization).await?
    {
        return send_back(app, going_to.language(request), &answer);
    }
    if form.decision == Decision::Allow {
        let session_token = cookies::session_token(&request.headers);
        // Where nobody is signed in any more, the request says so.
        let _ = give_consent(app, &request.context, authorization, session_token.as_deref()).await?;
    }
    Reply::see_other(&authorization.location(Some(&form.flow)))
}

async fn ask(
    app: &App,
    request: &Request,
    carried: Carried<'_>,
    refused: Option<Refused<'_>>,
) -> Result<Reply, Problem> {
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    let Some(authorization) = going_to.authorization() else { return flow::not_understood(app, request) };
    let session_token = cookies::session_token(&request.headers);
    match question(app, &request.context, authorization, session_token.as_deref()).await? {
        Asked::AskAgain => Reply::see_other(&authorization.location(carried.flow)),
        Asked::Question(question) => show(app, request, &going_to, &question, refused).await,
    }
}

async fn show(
    app: &App,
    request: &Request,
    going_to: &GoingTo<'_>,
    question: &Question,
    refused: Option<Refused<'_>>,
) -> Result<Reply, Problem> {
    let asks: Vec<AskedFor<'_>> = question.asks.iter().map(asked_for).collect();
    let (refusal, cause) = refused.unzip();
    let page = FormPage { form: Form::Consent, account: Some(&question.account), refusal, ..FormPage::default() };
    let reply = going_to.show_with(app, request, page, Some((&question.host, &asks))).await?;
    match cause {
        Some(cause) => Err(Problem { page: Some(Box::new(reply)), ..*cause }),
        None => Ok(reply),
    }
}

fn asked_for(ask: &Ask) -> AskedFor<'_> {
    match ask {
        Ask::Standard(scope) => AskedFor { scope, words: None },
        Ask::Words(words) => AskedFor { scope: "", words: Some(words) },
    }
}
