//! The forms with which people sign in, or get to where they can: for an application, or for themselves.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;

use super::FirstStep;
use crate::domain::factors::PasswordKind;
use crate::domain::oauth::continuation::{ACCOUNT_CREDENTIALS, ACCOUNT_DELETE, ACCOUNT_EMAIL, ACCOUNT_PASSWORD};
use crate::domain::password::{PasswordPolicy, PasswordRejection};

/// Which form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Address and password: posts `email`, `password` and `remember`.
    #[default]
    Login,
    /// Asks for a mailed code to sign in with: posts `email`.
    LoginCode,
    /// Signs in with it: posts `email`, `code` and `remember`.
    TypeLoginCode,
    /// Shows the second factor: posts `mfa_token`, `email`, and `code` or `recovery_code`.
    SecondFactor,
    /// Asks for an account: posts `email`, `name` and `new_password`.
    Register,
    /// Asks for a link to set a new password: posts `email`.
    Forgot,
    /// Lets an application have something, or just says who it is: posts `decision`.
    Consent,
    /// Ends the browser's session.
    SignOut,
    /// Asks for another address: posts `email` and `password`.
    AccountEmail,
    /// Sets another password: posts `password` and `new_password`.
    AccountPassword,
    /// Lets the account go.
    AccountDelete,
}

impl Form {
    /// Those that a browser opens and that know nobody; the others are answers, or belong to whoever is signed in.
    pub const OPENED: [Self; 5] = [Self::Login, Self::LoginCode, Self::Register, Self::Forgot, Self::SignOut];

    /// Those of whoever is signed in.
    pub const ACCOUNT: [Self; 3] = [Self::AccountEmail, Self::AccountPassword, Self::AccountDelete];

    /// The form of `/ui/{name}`.
    pub fn named(name: &str) -> Option<Self> {
        Self::OPENED.into_iter().find(|form| form.path().strip_prefix("/ui/") == Some(name))
    }

    /// Where the page is that has it.
    pub const fn page(self) -> &'static str {
        match self {
            Self::AccountEmail => ACCOUNT_EMAIL,
            Self::AccountPassword => ACCOUNT_PASSWORD,
            _ => self.path(),
        }
    }

    /// Where the form posts to.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Login => "/ui/login",
            Self::LoginCode | Self::TypeLoginCode => "/ui/login-code",
            Self::SecondFactor => "/ui/second-factor",
            Self::Register => "/ui/register",
            Self::Forgot => "/ui/forgot",
            Self::Consent => "/ui/consent",
            Self::SignOut => "/ui/sign-out",
            Self::AccountEmail | Self::AccountPassword => ACCOUNT_CREDENTIALS,
            Self::AccountDelete => ACCOUNT_DELETE,
        }
    }

    /// Whose words it has.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::AccountEmail | Self::AccountPassword | Self::AccountDelete => self.field(),
            _ => self.path().trim_start_matches("/ui/"),
        }
    }

    /// Which fields it has.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginCode | Self::Forgot => "address",
            Self::TypeLoginCode => "login-code",
            Self::SecondFactor => "second-factor",
            Self::Register => "register",
            Self::Consent => "consent",
            Self::SignOut => "sign-out",
            Self::AccountEmail => "account-email",
            Self::AccountPassword => "account-password",
            Self::AccountDelete => "account-delete",
        }
    }
}

/// A page with a form. Every form posts `request` and `flow` where an application sent the browser, and `csrf`.
#[derive(Clone, Copy, Default, Serialize)]
pub struct FormPage<'a> {
    /// Which one.
    #[serde(skip)]
    pub form: Form,
    /// Where the browser goes on afterwards, as pages carry it.
    pub request: Option<&'a str>,
    /// When the request first came, sealed.
    pub flow: &'a str,
    /// Both as the query of an address, with its question mark.
    pub carried: &'a str,
    /// A token against forged requests.
    #[serde(skip)]
    pub csrf: &'a str,
    /// What the application is called that sent the browser.
    pub application: Option<&'a str>,
    /// The address that was typed before, or that the application has told.
    #[serde(skip)]
    pub account: Option<&'a str>,
    /// The first step of a sign-in, where the second is asked for.
    pub first_step: Option<FirstStep<'a>>,
    /// The name that was typed before.
    pub name: Option<&'a str>,
    /// Whether the box is ticked.
    pub remember: bool,
    /// Of forms that ask for the present password: what there is of one.
    pub password: PasswordKind,
    /// Of the form that changes it: how long the next one has to be.
    pub policy: PasswordPolicy,
    /// Whether people may sign in with a mailed code.
    pub by_code: bool,
    /// Whether people may ask for an account.
    pub sign_up: bool,
    /// Why the form was refused.
    #[serde(skip)]
    pub refusal: Option<FormRefusal<'a>>,
}

impl FormPage<'_> {
    /// Whether there is a password that a form of the account's own can ask for (MF-21).
    pub(super) fn asks_present(self) -> bool {
        self.password != PasswordKind::None
    }
}

/// Why a form was refused. Each leaves it as it was, but for the password and the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormRefusal<'a> {
    /// Wrong address or password: which of them is not told (EN-04).
    Wrong,
    /// The code is wrong, expired or used: which of them is not told.
    WrongCode,
    /// An app's code is wrong, or was used before.
    WrongSecondFactor,
    /// A recovery code is.
    WrongRecoveryCode,
    /// A passkey is, or cannot be registered.
    WrongPasskey,
    /// The first code of an app is wrong.
    WrongFirstCode,
    /// It is right for another time: the clock is wrong.
    WrongClock,
    /// The account has another address since lately.
    AddressChanged,
    /// Only whoever runs the service can let second factors be taken away.
    ByAdministrator,
    /// The first step has expired or was used: it begins anew.
    StartAgain,
    /// The address is none.
    Address,
    /// It is the account's own already.
    SameAddress,
    /// The password that there is is wrong.
    WrongPassword,
    /// The name is none.
    Name,
    /// The password is not good enough.
    Password(&'a PasswordRejection),
    /// Operators have switched it off.
    SwitchedOff,
    /// Too many attempts (EN-02).
    TooMany(Duration),
    /// Something is down.
    Down(Option<Duration>),
    /// The form did not come from our page in this browser (SE-06).
    Forged,
}

impl<'a> FormRefusal<'a> {
    pub(super) const fn status(self) -> StatusCode {
        match self {
            Self::Wrong
            | Self::WrongCode
            | Self::WrongSecondFactor
            | Self::WrongRecoveryCode
            | Self::WrongPasskey
            | Self::WrongFirstCode
            | Self::WrongClock
            | Self::StartAgain
            | Self::Address
            | Self::SameAddress
            | Self::WrongPassword
            | Self::Name
            | Self::Password(_) => StatusCode::BAD_REQUEST,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Down(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::AddressChanged => StatusCode::CONFLICT,
            Self::Forged | Self::SwitchedOff | Self::ByAdministrator => StatusCode::FORBIDDEN,
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Wrong => "wrong_credentials",
            Self::WrongCode => "invalid_code",
            Self::WrongSecondFactor => "invalid_second_factor",
            Self::WrongRecoveryCode => "wrong_recovery_code",
            Self::WrongPasskey => "wrong_passkey",
            Self::WrongFirstCode => "wrong_first_code",
            Self::WrongClock => "wrong_clock",
            Self::AddressChanged => "address_changed",
            Self::ByAdministrator => "by_administrator",
            Self::StartAgain => "start_again",
            Self::Address => "address",
            Self::SameAddress => "same_address",
            Self::WrongPassword => "wrong_password",
            Self::Name => "name",
            Self::Password(rejection) => rejection.code(),
            Self::SwitchedOff => "switched_off",
            Self::TooMany(_) => "too_many",
            Self::Down(_) => "down",
            Self::Forged => "forged",
        }
    }

    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::TooMany(wait) => Some(wait),
            Self::Down(wait) => wait,
            _ => None,
        }
    }

    pub(super) fn minutes(self) -> u64 {
        self.retry_after().map_or(1, |wait| wait.as_secs().div_ceil(60))
    }

    /// The field whose content is refused.
    pub(super) const fn field(self) -> &'static str {
        match self {
            Self::Wrong => "login",
            Self::Address | Self::SameAddress => "email",
            Self::WrongPassword => "password",
            Self::Name => "name",
            Self::WrongCode | Self::WrongSecondFactor | Self::WrongFirstCode | Self::WrongClock => "code",
            Self::WrongRecoveryCode => "recovery_code",
            Self::Password(_) => "new_password",
            Self::WrongPasskey
            | Self::AddressChanged
            | Self::ByAdministrator
            | Self::StartAgain
            | Self::SwitchedOff
            | Self::TooMany(_)
            | Self::Down(_)
            | Self::Forged => "",
        }
    }

    pub(super) const fn rejection(self) -> Option<&'a PasswordRejection> {
        if let Self::Password(rejection) = self { Some(rejection) } else { None }
    }
}

/// Something that an application asks a person for.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Asked<'a> {
    /// A scope for which the page has words.
    pub scope: &'a str,
    /// The words, where it has none.
    pub words: Option<&'a str>,
}

/// Where a page that is at its end leads on to.
#[derive(Clone, Copy, Serialize)]
pub struct Onward<'a> {
    /// A path of ours, or an address of the application's.
    pub location: &'a str,
    /// What the application is called that the browser goes back to; none where it goes to the sign-in page.
    pub application: Option<&'a str>,
}
