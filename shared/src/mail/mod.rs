//! Mails: what is said, in which language, and the bytes of it. Sending is not done here.

mod mime;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::LazyLock;

use minijinja::context;
use minijinja::value::Value;
use thiserror::Error;
use time::{Month, OffsetDateTime};

pub use self::mime::mime;
use crate::domain::factors::FactorChange;
use crate::domain::language::Language;
use crate::domain::timestamp::Timestamp;
use crate::templates::{TemplateError, Templates, plain};

/// The words of each letter in each language, once as HTML and once as text: the name's end says what is escaped.
macro_rules! words {
    ($($name:literal)+) => { words!(@ "en" $($name)+).into_iter().chain(words!(@ "de" $($name)+)).flatten() };
    (@ $language:literal $($name:literal)+) => { [$(words!(= concat!($language, "/", $name), concat!(
        "../../templates/mail/", $language, "/", $name, ".words"
    ))),+] };
    (= $name:expr, $file:expr) => { [(concat!($name, ".html"), include_str!($file)), (concat!($name, ".txt"), include_str!($file))] };
}

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    let words = words!("letter" "verification" "owner_notice" "password_reset" "email_code" "email_change"
        "email_changed" "password_changed" "new_device" "session_reused" "deletion_scheduled"
        "second_factor_failed" "passkey_counter_regressed" "recovery_code_used" "factor_added" "factors_changed" "factors_lost" "factors_removal");
    let layouts = [
        ("layout.html", include_str!("../../templates/mail/layout.html")),
        ("layout.txt", include_str!("../../templates/mail/layout.txt")),
        ("layout.subject.txt", include_str!("../../templates/mail/layout.subject.txt")),
    ];
    Templates::new(&words.chain(layouts).collect::<Vec<_>>())
});

/// What stands around a letter.
#[derive(Clone, Copy)]
pub struct Letterhead<'a> {
    /// The service's name.
    pub service_name: &'a str,
    /// Where the application is.
    pub url: Option<&'a str>,
    /// Where people get help: an email address or a web address.
    pub support: Option<&'a str>,
    /// The address that the mail goes to.
    pub recipient: &'a str,
    /// The recipient's name.
    pub recipient_name: Option<&'a str>,
    /// When it is sent.
    pub at: Timestamp,
}

/// A mail that Wardgate sends. Links are whole URLs.
pub enum Letter {
    /// Confirm the address of a new account.
    Verification {
        /// The link.
        link: String,
        /// The code to type instead.
        code: String,
        /// How long both work.
        hours: u64,
        /// Whether the account cannot be used before.
        required: bool,
    },
    /// Somebody tried to register with an address that has an account.
    OwnerNotice,
    /// Choose a new password.
    PasswordReset {
        /// The link.
        link: String,
        /// How long it works.
        minutes: u64,
    },
    /// Sign in without a password.
    EmailCode {
        /// The link that can be used instead of the code.
        link: Option<String>,
        /// The code.
        code: String,
        /// How long both work.
        minutes: u64,
    },
    /// Confirm a new address, sent to the new one.
    EmailChange {
        /// The link.
        link: String,
        /// How long it works.
        hours: u64,
    },
    /// The address was changed, sent to the old one (OT-12).
    EmailChanged {
        /// The link that takes it back.
        undo_link: String,
        /// How long it works.
        days: u64,
    },
    /// The password was changed (PW-06).
    PasswordChanged,
    /// A sign-in on a device that is not known.
    NewDevice {
        /// The device as its user agent describes it.
        device: String,
        /// Its network address.
        address: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A refresh token was used a second time, and its session has ended (SE-02).
    SessionReused {
        /// The device that presented it, as its user agent describes it.
        device: String,
        /// Its network address.
        address: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// Somebody has shown the first factor, and failed at the second (MF-04).
    SecondFactorFailed {
        /// The device, as its user agent describes it.
        device: String,
        /// Its network address.
        address: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A passkey's counter went back: it may have a copy (MF-16).
    PasskeyCounterRegressed {
        /// The device that it was shown on, as its user agent describes it.
        device: String,
        /// Its network address.
        address: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// A recovery code was used (MF-06).
    RecoveryCodeUsed {
        /// How many are left.
        left: u32,
        /// The device, as its user agent describes it.
        device: String,
        /// Its network address.
        address: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// The account has its first second factor (MF-08).
    FactorAdded {
        /// Which.
        change: FactorChange,
        /// The link that takes it away again.
        undo_link: String,
        /// How long it works.
        hours: u64,
    },
    /// Somebody says that all second factors are lost (MF-20).
    FactorsLost {
        /// The link that takes it back.
        keep_link: String,
        /// After how long they can be taken away; at once where an operator lets them be.
        hours: Option<u64>,
    },
    /// They can be taken away now (MF-20).
    FactorsRemoval {
        /// The link.
        link: String,
        /// How long it works.
        minutes: u64,
    },
    /// The account's second factors have changed (MF-08).
    FactorsChanged {
        /// How.
        change: FactorChange,
    },
    /// The account is going to be erased.
    DeletionScheduled {
        /// The link that keeps the account.
        keep_link: String,
        /// When it is erased.
        erase_at: Timestamp,
    },
}

/// A letter in words.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject, in one line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// Why a mail cannot be made. It names no value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// A mistake in a template.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A header field's value that no mail may have.
    #[error("{0} has no valid value")]
    Header(&'static str),
}

impl Letter {
    /// Puts the letter into words. A mail to an address that may be a stranger's does not greet by name: whoever typed
    /// the address also typed the name, and could advertise in it.
    pub fn render(&self, language: Language, letterhead: &Letterhead<'_>) -> Result<Rendered, RenderError> {
        let Letterhead { url, support, recipient, at, .. } = *letterhead;
        let values = context! {
            language => language.tag(),
            service_name => one_line(letterhead.service_name),
            name => letterhead.recipient_name.map(one_line),
            url => url.map(plain),
            support => support.map(plain),
            support_link => support.map(|support| {
                if support.contains("://") { plain(support) } else { plain(&format!("mailto:{support}")) }
            }),
            recipient,
            at => moment(language, at),
            ..self.values(language)
        };
        let render = |kind: &str, layout: &str| {
            let file = |name: &str| format!("{}/{name}.{kind}", language.tag());
            let values = context! { layout, words => file("letter"), ..values.clone() };
            TEMPLATES.render(&file(self.name()), values)
        };
        Ok(Rendered {
            subject: render("txt", "layout.subject.txt")?,
            text: render("txt", "layout.txt")?,
            html: render("html", "layout.html")?,
        })
    }

    /// The name of its files.
    fn name(&self) -> &'static str {
        match self {
            Self::Verification { .. } => "verification",
            Self::OwnerNotice => "owner_notice",
            Self::PasswordReset { .. } => "password_reset",
            Self::EmailCode { .. } => "email_code",
            Self::EmailChange { .. } => "email_change",
            Self::EmailChanged { .. } => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::NewDevice { .. } => "new_device",
            Self::SessionReused { .. } => "session_reused",
            Self::DeletionScheduled { .. } => "deletion_scheduled",
            Self::SecondFactorFailed { .. } => "second_factor_failed",
            Self::PasskeyCounterRegressed { .. } => "passkey_counter_regressed",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::FactorAdded { .. } => "factor_added",
            Self::FactorsLost { .. } => "factors_lost",
            Self::FactorsRemoval { .. } => "factors_removal",
            Self::FactorsChanged { .. } => "factors_changed",
        }
    }

    fn values(&self, language: Language) -> Value {
        match self {
            Self::OwnerNotice | Self::PasswordChanged => context! {},
            Self::Verification { link, code, hours, required } => {
                context! { link => plain(link), code, hours, required }
            }
            Self::PasswordReset { link, minutes } | Self::FactorsRemoval { link, minutes } => {
                context! { link => plain(link), minutes }
            }
            Self::EmailCode { link, code, minutes } => {
                context! { link => link.as_deref().map(plain), code, minutes }
            }
            Self::EmailChange { link, hours } => context! { link => plain(link), hours },
            Self::EmailChanged { undo_link, days } => context! { link => plain(undo_link), days },
            Self::RecoveryCodeUsed { left, device, address, at } => {
                context! { left, device => one_line(device), address, moment => moment(language, *at) }
            }
            Self::FactorAdded { change, undo_link, hours } => {
                context! { change => change.name(), link => plain(undo_link), hours }
            }
            Self::FactorsLost { keep_link, hours } => context! { link => plain(keep_link), hours },
            Self::FactorsChanged { change } => context! { change => change.name() },
            Self::NewDevice { device, address, at }
            | Self::SessionReused { device, address, at }
            | Self::PasskeyCounterRegressed { device, address, at }
            | Self::SecondFactorFailed { device, address, at } => {
                context! { device => one_line(device), address, moment => moment(language, *at) }
            }
            Self::DeletionScheduled { keep_link, erase_at } => {
                context! { link => plain(keep_link), erase_at => day(language, *erase_at) }
            }
        }
    }
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Letter({}, <redacted>)", self.name())
    }
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rendered(<redacted>)")
    }
}

/// Without line breaks and other control characters, which would forge lines.
fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn moment(language: Language, at: Timestamp) -> String {
    let (hour, minute, _) = calendar(at).to_hms();
    match language {
        Language::English => format!("{}, {hour:02}:{minute:02} UTC", day(language, at)),
        Language::German => format!("{}, {hour:02}:{minute:02} Uhr UTC", day(language, at)),
    }
}

fn day(language: Language, at: Timestamp) -> String {
    let (year, month, day) = calendar(at).to_calendar_date();
    match language {
        Language::English => format!("{day} {month} {year}"),
        Language::German => format!("{day}. {} {year}", german(month)),
    }
}

fn calendar(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

const fn german(month: Month) -> &'static str {
    match month {
        Month::January => "Januar",
        Month::February => "Februar",
        Month::March => "März",
        Month::April => "April",
        Month::May => "Mai",
        Month::June => "Juni",
        Month::July => "Juli",
        Month::August => "August",
        Month::September => "September",
        Month::October => "Oktober",
        Month::November => "November",
        Month::December => "Dezember",
    }
}
