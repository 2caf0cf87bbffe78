//! The small pages that links in mails open. They work without JavaScript; showing one never uses its token up (OT-05).

mod account;
mod action;
mod factors;
mod first_step;
mod form;
mod look;
mod notice;
mod render;
mod shown;

use std::fmt;
use std::time::Duration;

use http::StatusCode;

pub use self::account::{AccountPage, ActivityRow, ApplicationRow, SessionRow};
pub use self::action::Action;
pub use self::factors::{FactorsPage, FactorsPart, PasskeyLine};
pub use self::first_step::{FirstStep, RememberDevice};
pub use self::form::{Asked, Form, FormPage, FormRefusal, Onward};
#[cfg(test)]
pub(crate) use self::look::Look;
pub use self::look::{ICON, STYLE};
pub use self::notice::Notice;
#[cfg(test)]
pub(crate) use self::render::draw;
pub use self::render::{refusal, render, render_for};
use crate::domain::oauth::continuation::ACCOUNT_SECOND_FACTOR;
use crate::domain::password::PasswordRejection;

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
    /// All second factors are said to be lost.
    FactorsLost {
        /// Until when to wait; `None` where a mail is on its way.
        until: Option<&'a str>,
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
    /// A person's second factor.
    Factors(FactorsPage<'a>),
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
            | Self::FactorsLost { .. }
            | Self::Done { .. }
            | Self::Account(_)
            | Self::Changed { .. }
            | Self::SignedIn
            | Self::SignedOut
            | Self::Leaving(_)
            | Self::Post { .. } => StatusCode::OK,
            Self::Factors(page) => page.refusal.map_or(StatusCode::OK, FormRefusal::status),
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
            Self::Factors(_) => ACCOUNT_SECOND_FACTOR.to_owned(),
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
            Self::FactorsLost { .. } => return name(Form::SecondFactor.path()),
            Self::Account(_) => return "account",
            Self::Factors(_) => return "account-second-factor",
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

    /// Whether a passkey can be shown on it, or made.
    fn takes_passkey(self) -> bool {
        match self {
            Self::Form(FormPage { form: Form::Login, .. }) => true,
            Self::Form(page) => page.form == Form::SecondFactor && page.first_step.is_some_and(|first| first.passkey),
            Self::Factors(page) => page.passkey_options.is_some(),
            _ => false,
        }
    }

    /// Whether there is a password that can be shown.
    fn has_password(self) -> bool {
        self.asks_for_password()
            || match self {
                Self::Form(page) => page.form == Form::Login || page.form == Form::AccountEmail && page.asks_present(),
                _ => false,
            }
    }
}

/// The name of a page of ours.
fn name(path: &'static str) -> &'static str {
    path.trim_start_matches("/ui/")
}

#[cfg(test)]
mod tests;
