//! The small pages that links in mails open. They work without JavaScript; showing one never uses its token up (OT-05).

mod action;
mod login;
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

pub use self::action::Action;
pub use self::login::{LoginPage, LoginRefusal};
pub use self::look::{ICON, STYLE};
pub use self::notice::Notice;
use crate::config::Service;
use crate::domain::language::Language;
use crate::domain::oauth::continuation::AUTHORIZE;
use crate::domain::password::{PasswordPolicy, PasswordRejection};
use crate::http::problem::Problem;
use crate::http::reply::{Reply, retry_after};
use crate::templates::{Templates, plain};

macro_rules! files {
    ($($name:literal)+) => { [$(($name, include_str!(concat!("../../templates/pages/", $name)))),+] };
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    Templates::new(&files!("page.html"
        "parts/alert.html" "parts/code.html" "parts/login.html" "parts/logo.html" "parts/mark.html"
        "parts/password.html" "parts/username.html"
        "en/page.html" "en/login.html" "en/verify-email.html" "en/reset-password.html" "en/confirm-email-change.html"
        "en/undo-email-change.html" "en/keep-account.html" "en/sign-in.html" "en/message.html"
        "de/page.html" "de/login.html" "de/verify-email.html" "de/reset-password.html" "de/confirm-email-change.html"
        "de/undo-email-change.html" "de/keep-account.html" "de/sign-in.html" "de/message.html"))
});

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
    /// Signs in, with an address and a password.
    Login(LoginPage<'a>),
    /// It is done.
    Done {
        /// What was done.
        action: Action,
        /// The address of the account that it was done to: known to whoever had the token.
        account: Option<&'a str>,
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
            Self::Confirm { .. } | Self::ChoosePassword { .. } | Self::TypeCode { .. } | Self::Done { .. } => {
                StatusCode::OK
            }
            Self::Login(page) => page.refusal.map_or(StatusCode::OK, LoginRefusal::status),
            Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::TryLater { status, .. } | Self::Message { status, .. } => status,
        }
    }

    /// Whose words it has.
    fn words(self) -> &'static str {
        let action = match self {
            Self::Message { .. } => return "message",
            Self::Login(_) => return "login",
            Self::ChoosePassword { .. } => Action::ResetPassword,
            Self::Confirm { action, .. }
            | Self::TypeCode { action, .. }
            | Self::Done { action, .. }
            | Self::LinkInvalid(action)
            | Self::Refused(action)
            | Self::TryLater { action, .. } => action,
        };
        action.path().trim_start_matches("/ui/")
    }

    fn asks_for_password(self) -> bool {
        matches!(self, Self::ChoosePassword { .. } | Self::Confirm { action: Action::ResetPassword, .. })
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
            Self::Done { account, .. } => Shown { kind: "done", account, ..shown },
            Self::LinkInvalid(_) => Shown { kind: "invalid", ..shown },
            Self::Refused(_) => Shown { kind: "refused", ..shown },
            Self::TryLater { status, retry_after, .. } => {
                let minutes = retry_after.map_or(1, |wait| wait.as_secs().div_ceil(60));
                let case = if status == StatusCode::TOO_MANY_REQUESTS { "limited" } else { "" };
                Shown { kind: "later", minutes, case, ..shown }
            }
            Self::Login(page) => {
                let rejection = page.refusal.map(LoginRefusal::code);
                let minutes = page.refusal.map_or(0, LoginRefusal::minutes);
                let LoginPage { csrf, account, .. } = page;
                let (login, wrong) = (Some(page), rejection.is_some());
                let shown = Shown { kind: "form", field: "login", csrf: Some(csrf), account, ..shown };
                Shown { wrong, rejection, minutes, login, ..shown }
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
    login: Option<LoginPage<'a>>,
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
pub fn render(page: Page<'_>, language: Language, service: &Service) -> Result<Reply, Problem> {
    let (language, words) = (language.tag(), page.words());
    let script = if page.asks_for_password() || matches!(page, Page::Login(_)) { look::SCRIPT } else { "" };
    let safe = |text: &str| Value::from_safe_string(text.to_owned());
    let values = context! {
        language,
        path => safe(&format!("/ui/{words}")),
        style => safe(STYLE),
        script => safe(script),
        icon => safe(ICON),
        service_name => &service.name,
        url => service.url.as_deref().map(plain),
        support => service.support_link().as_deref().map(plain),
        support_name => service.support_address(),
        ..Value::from(Serde(page.shown()))
    };
    let body = TEMPLATES.render(&format!("{language}/{words}.html"), values).map_err(Problem::internal)?;
    let leads_to = if let Page::Login(login) = page { login.leads_to } else { None };
    let policy = look::policy(script, leads_to);
    let mut headers = vec![
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_LANGUAGE, HeaderValue::from_static(language)),
        (header::VARY, HeaderValue::from_static("accept-language")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_str(&policy).map_err(Problem::internal)?),
    ];
    let wait = match page {
        Page::TryLater { retry_after, .. } => retry_after,
        Page::Login(LoginPage { refusal: Some(refusal), .. }) => refusal.retry_after(),
        _ => None,
    };
    headers.extend(wait.map(retry_after));
    Ok(Reply { status: page.status(), headers, body: body.into_bytes() })
}

/// What a person sees of a refusal that has no page of its own.
pub fn refusal(problem: &Problem, path: &str, language: Language, service: &Service) -> Result<Reply, Problem> {
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
    render(page, language, service)
}

/// Whether an application's person signs in at this path.
fn is_sign_in(path: &str) -> bool {
    path == AUTHORIZE || path == "/ui/login"
}
