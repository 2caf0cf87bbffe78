//! What templates are told of a page.

use http::StatusCode;
use serde::Serialize;

use super::account::AccountPage;
use super::factors::FactorsPage;
use super::form::{Asked, FormPage, Onward};
use super::{CodeField, LOGIN_CODE_LENGTH, Page};
use crate::domain::password::{PasswordPolicy, PasswordRejection};

/// Each template reads some of it.
#[derive(Default, Serialize)]
pub(super) struct Shown<'a> {
    kind: &'static str,
    /// `password`, `code`, or none.
    field: &'static str,
    token: &'a str,
    csrf: Option<&'a str>,
    account: Option<&'a str>,
    /// `verified`, `limited`, `not_found`, or none.
    case: &'static str,
    /// Whether what was typed is refused, and the reason's code.
    wrong: bool,
    rejection: Option<&'static str>,
    minimum: usize,
    maximum: usize,
    typed: usize,
    digits: bool,
    length: usize,
    minutes: u64,
    form: Option<FormPage<'a>>,
    /// The field of `form` whose content is refused.
    refused: &'static str,
    onward: Option<Onward<'a>>,
    /// What a form of an application's has.
    fields: &'a [(&'a str, &'a str)],
    own: Option<AccountPage<'a>>,
    factors: Option<FactorsPage<'a>>,
    host: &'a str,
    /// Until when to wait.
    until: &'a str,
    asks: &'a [Asked<'a>],
}

impl Shown<'_> {
    fn rejected(self, rejection: Option<&PasswordRejection>) -> Self {
        let shown = Self { wrong: rejection.is_some(), rejection: rejection.map(PasswordRejection::code), ..self };
        match rejection {
            Some(&PasswordRejection::TooShort { minimum, length }) => Self { minimum, typed: length, ..shown },
            Some(&PasswordRejection::TooLong { maximum }) => Self { maximum, ..shown },
            _ => shown,
        }
    }
}

impl Page<'_> {
    pub(super) fn shown(&self) -> Shown<'_> {
        let minimum = PasswordPolicy::OnlyFactor.minimum();
        let field = if self.asks_for_password() { "password" } else { "" };
        let shown = Shown { field, minimum, ..Shown::default() };
        match *self {
            Self::Confirm { token, csrf, rejection, .. } => {
                let (rejection, account) = rejection.unzip();
                Shown { kind: "form", token, csrf, account, ..shown.rejected(rejection) }
            }
            Self::ChoosePassword { token, account } => {
                Shown { kind: "form", token, account: Some(account), case: "verified", ..shown }
            }
            Self::TypeCode { token, csrf, account, field, wrong, .. } => {
                let (digits, length) = match field {
                    CodeField::Digits(length) => (true, length),
                    CodeField::Characters(length) => (false, length),
                };
                let rejection = wrong.then_some("wrong_code");
                Shown { kind: "form", field: "code", token, csrf, account, digits, length, wrong, rejection, ..shown }
            }
            Self::Account(page) => Shown { kind: "account", own: Some(page), csrf: Some(page.csrf), ..shown },
            Self::Factors(page) => {
                let shown = Shown { kind: "factors", factors: Some(page), csrf: Some(page.csrf), ..shown };
                let Some(refusal) = page.refusal else { return shown };
                Shown { wrong: true, rejection: Some(refusal.code()), refused: refusal.field(), ..shown }
            }
            Self::Done { account, onward, .. } | Self::Changed { account, onward, .. } => {
                Shown { kind: "done", account, onward, ..shown }
            }
            Self::SignedIn | Self::SignedOut => Shown { kind: "done", ..shown },
            Self::Leaving(onward) => Shown { kind: "leaving", onward: Some(onward), ..shown },
            Self::Post { onward, fields } => Shown { kind: "leaving", onward: Some(onward), fields, ..shown },
            Self::Mailed { account, sign_in, .. } => {
                let onward = Some(Onward { location: sign_in, application: None });
                Shown { kind: "done", account: Some(account), onward, ..shown }
            }
            Self::FactorsLost { until, sign_in } => {
                let onward = Some(Onward { location: sign_in, application: None });
                let case = if until.is_some() { "waiting" } else { "mail_sent" };
                Shown { kind: "done", case, until: until.unwrap_or_default(), onward, ..shown }
            }
            Self::LinkInvalid(_) => Shown { kind: "invalid", ..shown },
            Self::Refused(_) => Shown { kind: "refused", ..shown },
            Self::TryLater { status, retry_after, .. } => {
                let minutes = retry_after.map_or(1, |wait| wait.as_secs().div_ceil(60));
                let case = if status == StatusCode::TOO_MANY_REQUESTS { "limited" } else { "" };
                Shown { kind: "later", minutes, case, ..shown }
            }
            Self::Form(page) | Self::Consent { page, .. } => {
                let (host, asks): (_, &[_]) = match *self {
                    Self::Consent { host, asks, .. } => (host, asks),
                    _ => ("", &[]),
                };
                let shown = Shown { host, asks, ..shown };
                let FormPage { csrf, account, refusal, .. } = page;
                let (digits, length) = (false, LOGIN_CODE_LENGTH);
                let shown = Shown { kind: "form", field: page.form.field(), csrf: Some(csrf), account, ..shown };
                let shown = Shown { form: Some(page), minimum: page.policy.minimum(), digits, length, ..shown };
                let Some(refusal) = refusal else { return shown };
                let shown = shown.rejected(refusal.rejection());
                let (rejection, refused, minutes) = (Some(refusal.code()), refusal.field(), refusal.minutes());
                Shown { wrong: true, rejection, refused, minutes, ..shown }
            }
            Self::Message { notice, .. } => Shown { kind: "message", case: notice.case(), ..shown },
        }
    }
}
