//! `POST /ui/second-factor`: the second step of a sign-in on a page, whichever page had the first.

use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::http::cookies;
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{self, FirstStep, Form, FormPage, FormRefusal, Page, RememberDevice};
use wardgate::http::page_endpoint::PERSON;
use wardgate::http::passkey::shown_passkey;
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::second_factor::SecondProof;
use wardgate::use_cases::sign_in::login_in_browser::login_mfa_in_browser;
use wardgate::use_cases::sign_in::login_mfa::{LoginMfa, LoginMfaError, login_mfa};
use wardgate::use_cases::sign_in::login_mfa_lost::{LoginMfaLostError, LossAnswer, login_mfa_lost};

use crate::flow::account::minute;
use crate::flow::{self, Carried, GoingTo, Refused};

/// What answers `POST /ui/second-factor`.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-second-factor",
    routes: &[Route::post(Form::SecondFactor.path())],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs {
        rings: &[RingName::Signing, RingName::SessionMac, RingName::LoginMac, RingName::FactorWrap],
        table: true,
    },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "Sign in on a page: the second factor",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<SecondFactorForm>),
    responses: &[
        (
            200,
            "Signed in, and the browser was on its way to nowhere else. Or the wait of who has lost all factors.",
            Some(html),
        ),
        (303, "Signed in: on to where the browser was going. The session is in a cookie.", None),
        (400, "The second factor is wrong or was used before; or the first step is no longer valid.", Some(html)),
        (409, "The address was changed lately, so that nothing can be lost.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (429, "Too many attempts; this one was not evaluated.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the form sends.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SecondFactorForm {
    /// Where the browser is going, as the page has it.
    request: Option<String>,
    /// When it began, as the page has it.
    flow: Option<String>,
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// What the first step answered.
    mfa_token: String,
    /// The account's address, as the page has it.
    email: Option<String>,
    /// What an app shows.
    code: Option<String>,
    /// In its place, one of the recovery codes.
    recovery_code: Option<String>,
    /// `yes` where the browser is to be signed in after it has been closed, too.
    remember: Option<String>,
    /// `yes` where this device is not to be asked for a second factor again.
    remember_device: Option<String>,
    /// `yes` where all second factors are lost.
    lost: Option<String>,
    /// `yes` where the first step was the link of a mail.
    by_link: Option<String>,
    /// `yes` where the account has an app, as the page has it.
    app: Option<String>,
    /// `yes` where it has a passkey.
    passkey: Option<String>,
    /// What a passkey has signed, as `toJSON()` has it.
    credential: Option<String>,
}

impl SecondFactorForm {
    /// `None` where it is no passkey's answer that a browser has sent.
    fn proof(&self) -> Option<SecondProof> {
        if let Some(credential) = self.credential.as_deref().filter(|it| !it.is_empty()) {
            return shown_passkey(credential).map(|shown| SecondProof::Passkey(Box::new(shown)));
        }
        Some(match self.recovery_code.as_deref().map(str::trim).filter(|typed| !typed.is_empty()) {
            Some(typed) => SecondProof::RecoveryCode(typed.to_owned()),
            None => SecondProof::Totp(self.code.clone().unwrap_or_default()),
        })
    }
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let form: SecondFactorForm = flow::form(app, request)?;
    let carried = Carried { request: form.request.as_deref(), flow: form.flow.as_deref() };
    let Some(going_to) = GoingTo::read(carried) else { return flow::not_understood(app, request) };
    match attempt(app, request, &form, &going_to).await {
        Ok(reply) => Ok(reply),
        Err((refusal, cause)) => {
            let form_again = if refusal == FormRefusal::StartAgain { Form::Login } else { Form::SecondFactor };
            let page = FormPage {
                form: form_again,
                account: form.email.as_deref().filter(|email| !email.is_empty()),
                first_step: Some(FirstStep {
                    mfa_token: &form.mfa_token,
                    by_link: form.by_link.is_some(),
                    passkey: form.passkey.is_some(),
                    app: form.app.is_some(),
                    remember_device: RememberDevice::offered(
                        app.config.accounts.remember_device_days,
                        form.remember_device.is_some(),
                    ),
                }),
                remember: form.remember.is_some(),
                ..FormPage::default()
            };
            going_to.show_again(app, request, page, (refusal, cause)).await
        }
    }
}

async fn attempt<'a>(
    app: &App,
    request: &Request,
    form: &SecondFactorForm,
    going_to: &GoingTo<'_>,
) -> Result<Reply, Refused<'a>> {
    flow::admit(app, request, form.csrf.as_deref())?;
    if form.lost.is_some() {
        return lost(app, request, form, going_to).await;
    }
    let device_token = cookies::device_token(app, &request.headers, None);
    let unreadable = || flow::refused(FormRefusal::WrongPasskey, Problem::wrong_second_factor());
    let proof = form.proof().ok_or_else(unreadable)?;
    let login = LoginMfa {
        mfa_token: form.mfa_token.clone(),
        proof,
        device_token,
        remember_device: form.remember_device.is_some(),
    };
    let wrong = match login.proof {
        SecondProof::Totp(_) => FormRefusal::WrongSecondFactor,
        SecondProof::Passkey(_) => FormRefusal::WrongPasskey,
        SecondProof::RecoveryCode(_) => FormRefusal::WrongRecoveryCode,
    };
    let refused = |error| refused(error, wrong);
    if form.by_link.is_some() {
        let by_two = login_mfa(app, &request.context, login).await.map_err(refused)?;
        return flow::signed_in_by_link(app, request, &by_two.signed_in).await.map_err(flow::down);
    }
    let session_token = cookies::session_token(&request.headers);
    let by_two = login_mfa_in_browser(app, &request.context, login, session_token.as_deref()).await.map_err(refused)?;
    going_to.signed_in(app, request, &by_two.signed_in, form.remember.is_some()).map_err(flow::down)
}

/// Says that all second factors are lost (MF-20).
async fn lost<'a>(
    app: &App,
    request: &Request,
    form: &SecondFactorForm,
    going_to: &GoingTo<'_>,
) -> Result<Reply, Refused<'a>> {
    let answer = login_mfa_lost(app, &request.context, &form.mfa_token).await.map_err(|error| match error {
        LoginMfaLostError::InvalidToken => flow::refused(FormRefusal::StartAgain, error),
        LoginMfaLostError::AddressChanged { .. } => flow::refused(FormRefusal::AddressChanged, error),
        LoginMfaLostError::ByAdministrator => flow::refused(FormRefusal::ByAdministrator, error),
        LoginMfaLostError::TooManyAttempts { retry_after } => flow::too_many(retry_after),
        LoginMfaLostError::Fault(fault) => flow::down(fault),
    })?;
    let until = match answer {
        LossAnswer::Waiting { available_at } => Some(minute(available_at)),
        LossAnswer::MailSent => None,
    };
    let page = Page::FactorsLost { until: until.as_deref(), sign_in: &going_to.sign_in() };
    page::render(page, going_to.language(request), &app.config).map_err(flow::down)
}

fn refused(error: LoginMfaError, wrong: FormRefusal<'_>) -> Refused<'_> {
    match error {
        LoginMfaError::InvalidToken => flow::refused(FormRefusal::StartAgain, Problem::first_step_over()),
        LoginMfaError::Wrong => flow::refused(wrong, Problem::wrong_second_factor()),
        LoginMfaError::TooManyAttempts { retry_after } => flow::too_many(retry_after),
        LoginMfaError::Fault(fault) => flow::down(fault),
    }
}
