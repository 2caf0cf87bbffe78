//! `/ui/account/second-factor`: a person's second factor.

mod passkeys;

use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::crypto::recovery_code::RecoveryCode;
use wardgate::domain::factors::Level;
use wardgate::domain::id::FactorId;
use wardgate::domain::oauth::continuation::{ACCOUNT, ACCOUNT_SECOND_FACTOR};
use wardgate::http::cors::Cors;
use wardgate::http::csrf;
use wardgate::http::endpoint::{Class, Endpoint, Route};
use wardgate::http::openapi::{Bearer, Body, Operation, html, schema};
use wardgate::http::page::{FactorsPage, FactorsPart, FormRefusal, Notice, Page};
use wardgate::http::page_endpoint::{PERSON, show};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::secrets::RingName;
use wardgate::use_cases::accounts::mfa_recovery_codes::mfa_recovery_codes;
use wardgate::use_cases::accounts::mfa_show::mfa_show;
use wardgate::use_cases::accounts::mfa_totp::{TotpEnrolment, mfa_totp, mfa_totp_again};
use wardgate::use_cases::accounts::mfa_totp_confirm::{ConfirmTotp, MfaTotpConfirmError, mfa_totp_confirm};
use wardgate::use_cases::accounts::mfa_totp_remove::mfa_totp_remove;
use wardgate::use_cases::accounts::mfa_update::mfa_update;
use wardgate::use_cases::accounts::passkey_remove::passkey_remove;
use wardgate::use_cases::accounts::password_remove::password_remove;
use wardgate::use_cases::authenticate::{AuthenticateError, Caller, authenticate_fresh};
use wardgate::use_cases::factors_change::FactorsChangeError;
use zeroize::Zeroizing;

use self::passkeys::{Passkey, add_passkey, question};
use crate::flow;
use crate::flow::account::{Asking, SAID, minute, sign_in_first};

/// What answers all of it.
pub const ENDPOINT: Endpoint = Endpoint {
    name: "page-account-factors",
    routes: &[
        Route::get(ACCOUNT_SECOND_FACTOR),
        Route::further("page-account-factors-change", Method::POST, ACCOUNT_SECOND_FACTOR),
    ],
    class: Class::Standard,
    reader: PERSON,
    cors: Cors::None,
    needs: Needs { rings: &[RingName::SessionMac, RingName::LoginMac, RingName::FactorWrap], table: true },
    handler: |app, request| Box::pin(handle(app, request)),
};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {
    summary: "A person's second factor: to set it up, to make recovery codes, to take it away",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::Form(schema::<FactorsForm>),
    responses: &[
        (200, "What there is, or a form that sets it up; or recovery codes, which are shown once.", Some(html)),
        (303, "It is done; or not every factor was shown just now: on to where people sign in.", None),
        (400, "The app's first code is wrong, or right for another time.", Some(html)),
        (403, "The form does not come from our page in this browser.", Some(html)),
        (409, "The account has changed meanwhile, or its address is not verified.", Some(html)),
        (503, "Busy; try again after Retry-After.", Some(html)),
    ],
    problems: &[],
};

/// What the page's forms send.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FactorsForm {
    /// What the cookie `__Host-wardgate-csrf` says.
    csrf: Option<String>,
    /// What the button does.
    action: Act,
    /// Of `confirm`: what the page has of it.
    enrolment_token: Option<String>,
    /// Of `confirm`: what the app shows.
    code: Option<String>,
    /// Of `remove_passkey`: which.
    passkey: Option<String>,
    /// Of `add_passkey`: what the authenticator has made, as `toJSON()` has it, and what it is to be called.
    credential: Option<String>,
    name: Option<String>,
    /// Of `add_passkey`: what the page has asked. It is passed over.
    #[serde(rename = "passkey_options")]
    _passkey_options: Option<String>,
    /// Of `confirm`: `yes` ends every other session.
    end_others: Option<String>,
}

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Act {
    Confirm,
    Codes,
    On,
    Off,
    Remove,
    Begin,
    AddPasskey,
    RemovePasskey,
    RemovePassword,
}

/// Why nothing is shown, or nothing was done.
enum Failed {
    Change(FactorsChangeError),
    Problem(Problem),
}

impl From<FactorsChangeError> for Failed {
    fn from(error: FactorsChangeError) -> Self {
        Self::Change(error)
    }
}

impl From<AuthenticateError> for Failed {
    fn from(error: AuthenticateError) -> Self {
        Self::Change(error.into())
    }
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {
    let asking = Asking::of(request);
    let answered = if flow::is_sent(request) {
        let form: FactorsForm = flow::form(app, request)?;
        if let Err(problem) = csrf::admit(app, &request.headers, form.csrf.as_deref()) {
            return with_notice(app, request, problem, Notice::NotUnderstood);
        }
        act(app, request, asking.caller(), &form).await
    } else {
        seen(app, request, asking.caller(), None).await
    };
    match answered {
        Ok(reply) => Ok(reply),
        Err(Failed::Problem(problem)) => Err(problem),
        Err(Failed::Change(FactorsChangeError::Authenticate(error))) => sign_in_first(ACCOUNT_SECOND_FACTOR, error),
        // The page has what is so now.
        Err(Failed::Change(
            FactorsChangeError::NoSecondFactor
            | FactorsChangeError::NotFound
            | FactorsChangeError::NoSuchPasskey
            | FactorsChangeError::NoPassword
            | FactorsChangeError::PasswordTooShort
            | FactorsChangeError::LastSignInMethod
            | FactorsChangeError::TooFewPasskeys
            | FactorsChangeError::Superseded,
        )) => Reply::see_other(ACCOUNT_SECOND_FACTOR),
        Err(Failed::Change(error @ FactorsChangeError::UnverifiedAddress)) => {
            with_notice(app, request, error.into(), Notice::UnverifiedAddress)
        }
        Err(Failed::Change(error)) => Err(error.into()),
    }
}

/// The page that a person reads of a refusal.
fn with_notice(app: &App, request: &Request, problem: Problem, notice: Notice) -> Result<Reply, Problem> {
    let page = Page::Message { notice, status: problem.status };
    Err(Problem { page: Some(Box::new(show(app, request, page)?)), ..problem })
}

/// What else the page has: what to ask an authenticator, and why something was refused.
#[derive(Clone, Copy, Default)]
struct Added<'a> {
    options: Option<&'a str>,
    refusal: Option<FormRefusal<'a>>,
}

async fn seen(
    app: &App,
    request: &Request,
    caller: Caller<'_>,
    refusal: Option<FormRefusal<'_>>,
) -> Result<Reply, Failed> {
    let found = authenticate_fresh(app, &request.context, caller).await?;
    let options = question(app, request, caller).await?;
    let added = Added { options: options.as_deref(), refusal };
    if found.user.factors.level(app.config.passkeys.rp_id()) == Level::One {
        let enrolment = mfa_totp(app, &request.context, caller).await?;
        return Ok(set_up(app, request, &enrolment, added)?);
    }
    let mfa = mfa_show(app, &request.context, caller).await?;
    let since = mfa.totp.as_ref().map(|totp| minute(totp.created_at));
    let passkeys: Vec<_> = mfa.passkeys.iter().map(|it| Passkey::of(&it.passkey, &mfa)).collect();
    let passkeys: Vec<_> = passkeys.iter().map(Passkey::line).collect();
    let part = FactorsPart::Present {
        second_factor: mfa.factors.second_factor,
        password: mfa.factors.password,
        can_do_without: mfa.can_do_without_password(),
        since: since.as_deref(),
        app_removable: mfa.can_do_without_totp(),
        passkeys: &passkeys,
        left: mfa.recovery_codes.as_ref().map_or(0, |kept| kept.codes.len()),
    };
    Ok(shown(app, request, part, added)?)
}

async fn act(app: &App, request: &Request, caller: Caller<'_>, form: &FactorsForm) -> Result<Reply, Failed> {
    let context = &request.context;
    let saved = || Reply::see_other(&format!("{ACCOUNT}?{SAID}")).map_err(Failed::Problem);
    match form.action {
        Act::Confirm => confirm(app, request, caller, form).await,
        Act::Codes => Ok(codes(app, request, &mfa_recovery_codes(app, context, caller).await?)?),
        Act::On | Act::Off => {
            mfa_update(app, context, caller, matches!(form.action, Act::On)).await?;
            saved()
        }
        Act::Remove => {
            mfa_totp_remove(app, context, caller).await?;
            saved()
        }
        Act::Begin => {
            let enrolment = mfa_totp(app, context, caller).await?;
            Ok(set_up(app, request, &enrolment, Added::default())?)
        }
        Act::AddPasskey => add_passkey(app, request, caller, form).await,
        Act::RemovePasskey => {
            let id = form.passkey.as_deref().and_then(|id| FactorId::parse(id).ok());
            passkey_remove(app, context, caller, id).await?;
            saved()
        }
        Act::RemovePassword => {
            password_remove(app, context, caller).await?;
            saved()
        }
    }
}

async fn confirm(app: &App, request: &Request, caller: Caller<'_>, form: &FactorsForm) -> Result<Reply, Failed> {
    let context = &request.context;
    let enrolment_token = form.enrolment_token.as_deref().unwrap_or_default();
    let code = form.code.as_deref().unwrap_or_default();
    let confirmed = ConfirmTotp { enrolment_token, code, end_other_sessions: form.end_others.is_some() };
    let refusal = match mfa_totp_confirm(app, context, caller, confirmed).await {
        Ok(shown) => return Ok(codes(app, request, &shown)?),
        Err(MfaTotpConfirmError::WrongCode) => FormRefusal::WrongFirstCode,
        Err(MfaTotpConfirmError::ClockSkew { .. }) => FormRefusal::WrongClock,
        // It begins again.
        Err(MfaTotpConfirmError::Expired) => return Ok(Reply::see_other(ACCOUNT_SECOND_FACTOR)?),
        Err(MfaTotpConfirmError::Change(error)) => return Err(error.into()),
        Err(MfaTotpConfirmError::Fault(fault)) => return Err(FactorsChangeError::Fault(fault).into()),
    };
    let Some(enrolment) = mfa_totp_again(app, context, caller, enrolment_token).await? else {
        return Ok(Reply::see_other(ACCOUNT_SECOND_FACTOR)?);
    };
    let options = question(app, request, caller).await?;
    let added = Added { options: options.as_deref(), refusal: Some(refusal) };
    let page = set_up(app, request, &enrolment, added)?;
    Err(Problem { page: Some(Box::new(page)), ..Problem::invalid_code() }.into())
}

fn set_up(app: &App, request: &Request, enrolment: &TotpEnrolment, added: Added<'_>) -> Result<Reply, Problem> {
    let qr_svg = accounts::mfa_totp::picture(&enrolment.uri, request.context.language)?;
    // As people read it out.
    let characters: Vec<char> = enrolment.secret.chars().collect();
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    let secret = Zeroizing::new(groups.join(" "));
    let part = FactorsPart::SetUp { qr_svg: &qr_svg, secret: &secret, enrolment_token: &enrolment.enrolment_token };
    shown(app, request, part, added)
}

fn codes(app: &App, request: &Request, codes: &[RecoveryCode]) -> Result<Reply, Problem> {
    let codes: Vec<String> = codes.iter().map(|code| code.shown().to_string()).collect();
    // An app in place of another leaves the codes as they are.
    if codes.is_empty() {
        return Reply::see_other(ACCOUNT_SECOND_FACTOR);
    }
    shown(app, request, FactorsPart::Codes { codes: &codes }, Added::default())
}

fn shown(app: &App, request: &Request, part: FactorsPart<'_>, added: Added<'_>) -> Result<Reply, Problem> {
    let token = csrf::token(app, &request.headers)?;
    let Added { options: passkey_options, refusal } = added;
    let page = Page::Factors(FactorsPage { csrf: &token, part, passkey_options, refusal });
    let mut reply = show(app, request, page)?;
    reply.headers.push(csrf::keep(&token)?);
    Ok(reply)
}
