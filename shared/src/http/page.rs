//! The small pages that links in mails open. They work without JavaScript; showing one never uses its token up (OT-05).

mod account;
mod action;
mod form;
mod look;
mod notice;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

pub use self::account::{AccountPage, ActivityRow, ApplicationRow, SessionRow};
pub use self::action::Action;
pub use self::form::{Asked, Form, FormPage, FormRefusal, Onward};
pub(crate) use self::look::Look;
use self::look::Script;
pub use self::look::{ICON, STYLE};
pub use self::notice::Notice;
use crate::config::{Config, Service};
use crate::domain::language::Language;
use crate::domain::oauth::client_brand::ClientBrand;
use crate::domain::oauth::continuation::{ACCOUNT, AUTHORIZE, LOGOUT};
use crate::domain::password::{PasswordPolicy, PasswordRejection};
use crate::http::problem::Problem;
use crate::http::reply::{Reply, retry_after};
use crate::templates::{Templates, plain};

macro_rules! files {
    ($($name:literal)+) => { [$(($name, include_str!(concat!("../../templates/pages/", $name)))),+] };
}

/// A language's words, each page's by its name.
macro_rules! words {
    ($language:literal) => {
        words!($language: "page" "login" "login-code" "register" "forgot" "consent" "sign-out" "leaving" "account"
            "account-email" "account-password" "account-delete" "verify-email" "reset-password" "confirm-email-change"
            "undo-email-change" "keep-account" "sign-in" "message")
    };
    ($language:literal: $($name:literal)+) => {
        [$((
            concat!($language, "/", $name, ".html"),
            include_str!(concat!("../../templates/pages/", $language, "/", $name, ".html")),
        )),+]
    };
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    let parts = files!("page.html"
        "parts/account.html" "parts/address.html" "parts/alert.html" "parts/code.html" "parts/consent-buttons.html"
        "parts/flow.html" "parts/form-account-delete.html" "parts/form-account-email.html"
        "parts/form-account-password.html" "parts/form-address.html" "parts/form-consent.html" "parts/form-login.html"
        "parts/form-login-code.html" "parts/form-register.html" "parts/form-sign-out.html" "parts/leaving.html"
        "parts/logo.html" "parts/mark.html" "parts/password.html" "parts/remember.html" "parts/username.html"
        "parts/ways.html");
    Templates::new(&[&parts[..], &words!("en"), &words!("de")].concat())
});

/// The letters and digits of a code to sign in with.
pub const LOGIN_CODE_LENGTH: usize = 8;

/// A code that a person types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeField {
    /// This many digits.
    Digits(usize),
    /// This many letters and digits.
    Characters(usize),
}

/// A page. The form posts `token`, `csrf` where there is one, and `new_password` for [`Action::ResetPassword`].
#[derive(Clone, Copy)]
pub enum Page<'a> {
    /// The form with the button.
    Confirm {
        /// What the button does.
        action: Action,
        /// The link's token.
        token: &'a str,
        /// A token against forged requests.
        csrf: Option<&'a str>,
        /// Why the password that was sent is not accepted, and the account that it was for; the status is 400 then.
        rejection: Option<(&'a PasswordRejection, &'a str)>,
    },
    /// The address is verified, and a password has to be chosen (OT-10): the form of [`Action::ResetPassword`].
    ChoosePassword {
        /// The token that sets it.
        token: &'a str,
        /// The account's address, which is saved with the password.
        account: &'a str,
    },
    /// The form for the mail's code, which it posts as `code`.
    TypeCode {
        /// What the code does.
        action: Action,
        /// The link's token.
        token: &'a str,
        /// A token against forged requests.
        csrf: Option<&'a str>,
        /// The account, where whoever sees the page may know it.
        account: Option<&'a str>,
        /// What a code looks like.
        field: CodeField,
        /// Whether a wrong one was typed; the status is 400 then.
        wrong: bool,
    },
    /// A form with which people sign in, or get to where they can.
    Form(FormPage<'a>),
    /// A mail is on its way, or is not: that is not told (EN-04).
    Mailed {
        /// What was asked with.
        form: Form,
        /// The address that was typed.
        account: &'a str,
        /// The way back to where people sign in.
        sign_in: &'a str,
    },
    /// It is done.
    Done {
        /// What was done.
        action: Action,
        /// The address of the account that it was done to: known to whoever had the token.
        account: Option<&'a str>,
        /// The application that its person was on the way to in this browser.
        onward: Option<Onward<'a>>,
    },
    /// A person's own page.
    Account(AccountPage<'a>),
    /// What a form of the person's own has done.
    Changed {
        /// Which form.
        form: Form,
        /// The address that it is about.
        account: Option<&'a str>,
        /// The way on.
        onward: Option<Onward<'a>>,
    },
    /// The browser is signed in, and was on its way to nowhere else.
    SignedIn,
    /// The browser is signed out.
    SignedOut,
    /// An application asks for something: the form posts `decision`, which is `allow` or `deny`.
    Consent {
        /// The form, with who is signed in as the account.
        page: FormPage<'a>,
        /// Where the answer goes.
        host: &'a str,
        /// What it asks for; nothing where it only asks who somebody is.
        asks: &'a [Asked<'a>],
    },
    /// The browser goes on to an application by itself.
    Leaving(Onward<'a>),
    /// The same, with a form.
    Post {
        /// Where.
        onward: Onward<'a>,
        /// What the form has.
        fields: &'a [(&'a str, &'a str)],
    },
    /// The link has expired, was used or is damaged: 400.
    LinkInvalid(Action),
    /// The form did not come from our page in this browser: 403.
    Refused(Action),
    /// Too many attempts, or something is down: try again later.
    TryLater {
        /// What was to be done.
        action: Action,
        /// 408, 429, 500 or 503.
        status: StatusCode,
        /// After how long.
        retry_after: Option<Duration>,
    },
    /// Something else.
    Message {
        /// What it says.
        notice: Notice,
        /// The status.
        status: StatusCode,
    },
}

impl fmt::Debug for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Page(<redacted>)")
    }
}

impl Page<'_> {
    fn status(self) -> StatusCode {
        match self {
            Self::Confirm { rejection: Some(_), .. } | Self::TypeCode { wrong: true, .. } | Self::LinkInvalid(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::Confirm { .. }
            | Self::ChoosePassword { .. }
            | Self::TypeCode { .. }
            | Self::Mailed { .. }
            | Self::Done { .. }
            | Self::Account(_)
            | Self::Changed { .. }
            | Self::SignedIn
            | Self::SignedOut
            | Self::Leaving(_)
            | Self::Post { .. } => StatusCode::OK,
            Self::Form(page) | Self::Consent { page, .. } => page.refusal.map_or(StatusCode::OK, FormRefusal::status),
            Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::TryLater { status, .. } | Self::Message { status, .. } => status,
        }
    }

    /// Where its form goes.
    fn path(self) -> String {
        match self {
            Self::Form(FormPage { form, .. }) | Self::Consent { page: FormPage { form, .. }, .. } => {
                form.path().to_owned()
            }
            _ => format!("/ui/{}", self.words()),
        }
    }

    /// Whose words it has.
    fn words(self) -> &'static str {
        let action = match self {
            Self::Message { .. } => return "message",
            Self::Form(FormPage { form, .. }) | Self::Mailed { form, .. } | Self::Changed { form, .. } => {
                return form.words();
            }
            Self::Account(_) => return "account",
            Self::Consent { .. } => return name(Form::Consent.path()),
            Self::SignedIn => return name(Form::Login.path()),
            Self::SignedOut => return name(Form::SignOut.path()),
            Self::Leaving(_) | Self::Post { .. } => return "leaving",
            Self::ChoosePassword { .. } => Action::ResetPassword,
            Self::Confirm { action, .. }
            | Self::TypeCode { action, .. }
            | Self::Done { action, .. }
            | Self::LinkInvalid(action)
            | Self::Refused(action)
            | Self::TryLater { action, .. } => action,
        };
        name(action.path())
    }

    fn asks_for_password(self) -> bool {
        matches!(self, Self::ChoosePassword { .. } | Self::Confirm { action: Action::ResetPassword, .. })
            || matches!(self, Self::Form(FormPage { form: Form::Register | Form::AccountPassword, .. }))
    }

    /// Whether there is a password that can be shown.
    fn has_password(self) -> bool {
        self.asks_for_password() || matches!(self, Self::Form(FormPage { form: Form::Login | Form::AccountEmail, .. }))
    }

    fn shown(&self) -> Shown<'_> {
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
                let shown = Shown { form: Some(page), digits, length, ..shown };
                let Some(refusal) = refusal else { return shown };
                let shown = shown.rejected(refusal.rejection());
                let (rejection, refused, minutes) = (Some(refusal.code()), refusal.field(), refusal.minutes());
                Shown { wrong: true, rejection, refused, minutes, ..shown }
            }
            Self::Message { notice, .. } => Shown { kind: "message", case: notice.case(), ..shown },
        }
    }
}

/// What templates are told; each of them reads some of it.
#[derive(Default, Serialize)]
struct Shown<'a> {
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
    host: &'a str,
    asks: &'a [Asked<'a>],
}

/// The name of a page of ours.
fn name(path: &'static str) -> &'static str {
    path.trim_start_matches("/ui/")
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

/// Makes the reply.
pub fn render(page: Page<'_>, language: Language, config: &Config) -> Result<Reply, Problem> {
    render_for(page, language, config, None)
}

/// As [`render`], of a page on the way to a client.
pub fn render_for(
    page: Page<'_>,
    language: Language,
    config: &Config,
    client: Option<&ClientBrand>,
) -> Result<Reply, Problem> {
    let look = Look::new(config.brand().map_err(Problem::internal)?, client);
    draw(page, language, &config.service, &look)
}

/// As [`render`], whatever it looks like.
pub(crate) fn draw(page: Page<'_>, language: Language, service: &Service, look: &Look) -> Result<Reply, Problem> {
    let (language, words) = (language.tag(), page.words());
    let script = match page {
        Page::Post { .. } => Script::Send,
        _ if page.has_password() => Script::Reveal,
        _ => Script::None,
    };
    let safe = |text: &str| Value::from_safe_string(text.to_owned());
    let own_style = look.style();
    let head_url = service.url.as_deref().filter(|_| look.name.is_none());
    let values = context! {
        language,
        path => safe(&page.path()),
        style => safe(STYLE),
        own_style => safe(&own_style),
        logo => look.logo.as_deref().map(plain),
        head_name => look.name.as_deref().unwrap_or(&service.name),
        head_url => head_url.map(plain),
        light => safe(&look.palettes.light.background.to_string()),
        dark => safe(&look.palettes.dark.background.to_string()),
        script => safe(script.text()),
        icon => safe(ICON),
        service_name => &service.name,
        url => service.url.as_deref().map(plain),
        support => service.support_link().as_deref().map(plain),
        support_name => service.support_address(),
        ..Value::from(Serde(page.shown()))
    };
    let body = TEMPLATES.render(&format!("{language}/{words}.html"), values).map_err(Problem::internal)?;
    let policy = look::policy(script, &own_style);
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(Problem::internal)?),
    ];
    let wait = match page {
        Page::TryLater { retry_after, .. } => retry_after,
        Page::Form(FormPage { refusal: Some(refusal), .. })
        | Page::Consent { page: FormPage { refusal: Some(refusal), .. }, .. } => refusal.retry_after(),
        _ => None,
    };
    headers.extend(wait.map(retry_after));
    Ok(Reply { status: page.status(), headers, body: body.into_bytes() })
}

/// What a person sees of a refusal that has no page of its own.
pub fn refusal(problem: &Problem, path: &str, language: Language, config: &Config) -> Result<Reply, Problem> {
    let status = problem.status;
    let later =
        status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    let is_missing = matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
    let page = match path.strip_prefix("/ui/").and_then(Action::named) {
        Some(action) if later => Page::TryLater { action, status, retry_after: problem.retry_after },
        None if later && is_sign_in(path) => Page::Message { notice: Notice::Down, status },
        found if !is_missing && (found.is_some() || is_sign_in(path)) => {
            Page::Message { notice: Notice::NotUnderstood, status }
        }
        _ => Page::Message { notice: Notice::NotFound, status },
    };
    render(page, language, config)
}

/// Whether an application's person signs in at this path.
fn is_sign_in(path: &str) -> bool {
    path == AUTHORIZE
        || path == LOGOUT
        || path.starts_with(ACCOUNT)
        || path == Form::Consent.path()
        || path.strip_prefix("/ui/").and_then(Form::named).is_some()
}
