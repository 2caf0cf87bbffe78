//! The order for a mail: an item that has just been inserted.

use serde::{Deserialize, Serialize};

use crate::domain::one_time::{Mailing, OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;

/// What is asked for where a request orders a mail, and what limits count apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// An account.
    Registration,
    /// A registration's mail again.
    Resend,
    /// A new password.
    Reset,
    /// A code to sign in with.
    EmailCode,
    /// Another address.
    EmailChange,
    /// Nothing: it tells an owner of a change.
    Notice,
}

impl MailKind {
    /// All of them.
    pub const ALL: &[Self] =
        &[Self::Registration, Self::Resend, Self::Reset, Self::EmailCode, Self::EmailChange, Self::Notice];

    /// The name in limits and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Resend => "resend",
            Self::Reset => "reset",
            Self::EmailCode => "email_code",
            Self::EmailChange => "email_change",
            Self::Notice => "notice",
        }
    }
}

/// Names the item that a mail is sent from. Its keys hold a hash of an address, so it goes from queue to mailer and
/// nowhere else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailOrder {
    /// The item's partition key.
    pub pk: String,
    /// The item's sort key.
    pub sk: String,
    /// The item's id. An item in the same place with another id is another order.
    pub id: String,
}

impl std::fmt::Debug for MailOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MailOrder").field("id", &self.id).finish_non_exhaustive()
    }
}

/// An item that a mail is sent from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ordered {
    /// A one-time item.
    OneTime(OneTime),
    /// A registration.
    Registration(Registration),
}

impl Ordered {
    /// Its id.
    pub fn id(&self) -> String {
        match self {
            Self::OneTime(item) => item.id.to_string(),
            Self::Registration(registration) => registration.id.to_string(),
        }
    }

    /// What its mail depends on.
    pub fn mailing(&self) -> &Mailing {
        match self {
            Self::OneTime(item) => &item.mailing,
            Self::Registration(registration) => &registration.mailing,
        }
    }

    /// What the request that wrote it asked for.
    pub fn kind(&self) -> MailKind {
        match self {
            Self::OneTime(item) => match item.purpose {
                Purpose::PasswordReset => MailKind::Reset,
                Purpose::EmailCode => MailKind::EmailCode,
                Purpose::Resend => MailKind::Resend,
                Purpose::EmailChange => MailKind::EmailChange,
                Purpose::EmailUndo
                | Purpose::KeepAccount
                | Purpose::PasswordChanged
                | Purpose::NewDevice
                | Purpose::SessionReused
                | Purpose::FactorUndo
                | Purpose::KeepFactors
                | Purpose::RemoveFactors
                | Purpose::FactorsChanged
                | Purpose::SecondFactorFailed
                | Purpose::PasskeyCounterRegressed
                | Purpose::RecoveryCodeUsed
                | Purpose::Verification => MailKind::Notice,
            },
            Self::Registration(_) => MailKind::Registration,
        }
    }

    /// When what it sends stops working.
    pub fn expires_at(&self) -> Timestamp {
        match self {
            Self::OneTime(item) => item.expires_at,
            Self::Registration(registration) => registration.expires_at,
        }
    }

    /// When it was asked for.
    pub fn created_at(&self) -> Timestamp {
        match self {
            Self::OneTime(item) => item.created_at,
            Self::Registration(registration) => registration.created_at,
        }
    }

    /// Whether its mail has a link or a code that does something, once.
    pub fn carries_secret(&self) -> bool {
        match self {
            Self::OneTime(item) => !matches!(
                item.purpose,
                Purpose::PasswordChanged
                    | Purpose::NewDevice
                    | Purpose::SessionReused
                    | Purpose::FactorsChanged
                    | Purpose::SecondFactorFailed
                    | Purpose::PasskeyCounterRegressed
                    | Purpose::RecoveryCodeUsed
            ),
            Self::Registration(_) => true,
        }
    }

    /// Whether its mail still has to go out.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let used_at = match self {
            Self::OneTime(item) => item.used_at,
            Self::Registration(registration) => registration.used_at,
        };
        used_at.is_none() && self.mailing().sent_at.is_none() && now < self.expires_at()
    }
}
