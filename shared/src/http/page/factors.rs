//! A person's second factor: setting it up, its recovery codes, and what becomes of it.

use serde::Serialize;

use super::form::FormRefusal;
use crate::domain::factors::PasswordKind;

/// What it shows.
#[derive(Clone, Copy, Serialize)]
pub struct FactorsPage<'a> {
    /// A token against forged requests.
    #[serde(skip)]
    pub csrf: &'a str,
    /// Which part of it.
    #[serde(flatten)]
    pub part: FactorsPart<'a>,
    /// What to ask an authenticator for a new passkey, as JSON; none where no passkey can be added here.
    pub passkey_options: Option<&'a str>,
    /// Why the form was refused.
    #[serde(skip)]
    pub refusal: Option<FormRefusal<'a>>,
}

/// A passkey, as the page has it.
#[derive(Clone, Copy, Serialize)]
pub struct PasskeyLine<'a> {
    /// Names it in the form.
    pub id: &'a str,
    /// What its owner calls it.
    pub name: &'a str,
    /// When it was registered.
    pub since: &'a str,
    /// When it was last shown.
    pub used: Option<&'a str>,
    /// Whether the account can do without it.
    pub removable: bool,
}

/// Its parts. Each form posts `csrf` and `action`.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum FactorsPart<'a> {
    /// An app is set up: posts `enrolment_token`, `code` and `action`, which is `confirm`.
    SetUp {
        /// For the app's camera.
        qr_svg: &'a str,
        /// For whoever types it, in groups.
        secret: &'a str,
        /// Comes back with the first code.
        enrolment_token: &'a str,
    },
    /// What there is: posts `action`, which is `on`, `off`, `codes`, `remove`, `begin` or
    /// `remove_password`; or `remove_passkey`, with `passkey`.
    Present {
        /// Whether sign-ins ask for it.
        second_factor: bool,
        /// What there is of a password.
        password: PasswordKind,
        /// Whether the account can do without it.
        can_do_without: bool,
        /// When the app was set up, where there is one.
        since: Option<&'a str>,
        /// Whether the account can do without the app.
        app_removable: bool,
        /// The passkeys.
        passkeys: &'a [PasskeyLine<'a>],
        /// How many recovery codes are left.
        left: usize,
    },
    /// Recovery codes, which are shown this once.
    Codes {
        /// All of them.
        codes: &'a [String],
    },
}
