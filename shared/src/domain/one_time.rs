//! One-time secrets that travel by mail (OT-01 to OT-04), and the items that the mailer sends from.
//!
//! The insertion of such an item is the order for its mail. The table never holds a usable token: the mailer derives
//! the link and the code from the item and a key of the mail ring (OT-09).

use serde::{Deserialize, Serialize};

use crate::domain::email::{Email, EmailKey};
use crate::domain::factors::FactorChange;
use crate::domain::id::{OneTimeId, RegistrationId, SessionId, UserId};
use crate::domain::language::Language;
use crate::domain::nonce::Nonce;
use crate::domain::origin::Origin;
use crate::domain::timestamp::Timestamp;

/// What an item is for. Each purpose has mails and links of its own, and no token serves two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Shows that a registration's address is its owner's: the token of a [`crate::domain::registration::Registration`].
    Verification,
    /// Asks for the newest registration's mail again.
    Resend,
    /// Sets a new password.
    PasswordReset,
    /// Signs in with a code, which belongs to the flow that asked for it (OT-11).
    EmailCode,
    /// Moves an account to the address that got the mail (OT-12).
    EmailChange,
    /// Takes an account back to the address that it was moved from (OT-12).
    EmailUndo,
    /// Keeps an account that was to be deleted.
    KeepAccount,
    /// Tells that the password was changed (PW-06).
    PasswordChanged,
    /// Tells of a sign-in from a device that was not known.
    NewDevice,
    /// Tells that a refresh token was used a second time, and that its session has ended (SE-02).
    SessionReused,
    /// Takes a first second factor away again (MF-08).
    FactorUndo,
    /// Takes back that all second factors are lost (MF-20).
    KeepFactors,
    /// Takes all second factors away that are lost (MF-20).
    RemoveFactors,
    /// Tells of a change of second factors (MF-08).
    FactorsChanged,
    /// Tells that somebody has shown the first factor of an account and failed at the second (MF-04).
    SecondFactorFailed,
    /// Tells that a recovery code was used (MF-06).
    RecoveryCodeUsed,
    /// Tells that a passkey's counter went back: it may have a copy (MF-16).
    PasskeyCounterRegressed,
}

impl Purpose {
    /// The name in keys and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::Resend => "resend",
            Self::PasswordReset => "password_reset",
            Self::EmailCode => "email_code",
            Self::EmailChange => "email_change",
            Self::EmailUndo => "email_undo",
            Self::KeepAccount => "keep_account",
            Self::PasswordChanged => "password_changed",
            Self::NewDevice => "new_device",
            Self::SessionReused => "session_reused",
            Self::FactorUndo => "factor_undo",
            Self::KeepFactors => "keep_factors",
            Self::RemoveFactors => "remove_factors",
            Self::FactorsChanged => "factors_changed",
            Self::SecondFactorFailed => "second_factor_failed",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::PasskeyCounterRegressed => "passkey_counter_regressed",
        }
    }
}

/// What every item that a mail is sent from has: what the mail depends on, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailing {
    /// Random bits that the token carries.
    pub nonce: Nonce,
    /// What the mail is written in: the language of the request that asked for it.
    pub language: Language,
    /// [`crate::domain::origin::Origin::source`]: the release before counts by it, and reads what this one writes.
    pub source: String,
    /// The mail ring's key that link and code were derived with. The mailer sets it before it sends; without it nothing
    /// was ever sent, and no token of the item is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac_kid: Option<String>,
    /// When the mail went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
}

/// A one-time item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneTime {
    /// Unique.
    pub id: OneTimeId,
    /// What it is for.
    pub purpose: Purpose,
    /// The address that it was asked for or is about: part of the item's own key.
    pub email_key: EmailKey,
    /// The mail.
    #[serde(flatten)]
    pub mailing: Mailing,
    /// The account; where only an address was given, the mailer looks it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// The account's credentials that it is bound to: a change of them ends it (SE-04).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cred_version: Option<u64>,
    /// Where the mail goes, unless to the account's present address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Email>,
    /// Where a new device signed in from, or a used token was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What that device calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// SHA-256 of the secret in the flow token that the order answered with, in hex: a code works with it alone (OT-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow_hash: Option<String>,
    /// Which of an address's registrations is to be mailed again; without it, the newest is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_id: Option<RegistrationId>,
    /// How long the change of address that it makes can be undone, where that is less than usual (OT-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_seconds: Option<u64>,
    /// What has become of the account's second factors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor_change: Option<FactorChange>,
    /// [`crate::domain::factors::Factors::since`] of those that it takes away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factors_since: Option<u64>,
    /// From when on what is said to be lost is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usable_from: Option<Timestamp>,
    /// How many recovery codes are left, where one was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_codes_left: Option<u32>,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// Codes tried (OT-11).
    #[serde(default)]
    pub attempts: u32,
    /// When it was used. The mark stays until the item expires, so that a replay is recognised (OT-02).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// Which browser used it: [`crate::domain::browser::BrowserSecret::mark`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
    /// The session that began with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
}

impl OneTime {
    /// As it will be once a request from here has used it.
    #[must_use]
    pub fn used_from(self, origin: &Origin) -> Self {
        let used_by = origin.browser.as_ref().map(|browser| browser.mark(&self.mailing.nonce));
        Self { used_by, ..self }
    }

    /// Whether it still works at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at && self.mailing.mac_kid.is_some()
    }

    /// What its mailed link says.
    pub fn token(&self) -> MailToken {
        MailToken {
            purpose: self.purpose,
            email_key: self.email_key.clone(),
            id: self.id.to_bytes(),
            nonce: self.mailing.nonce.clone(),
        }
    }
}

/// What a mailed token says: it names one item, and carries its random bits. [`crate::crypto::mail_token`] seals it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailToken {
    /// What it is for.
    pub purpose: Purpose,
    /// The address that the item belongs to.
    pub email_key: EmailKey,
    /// The item's id.
    pub id: [u8; 16],
    /// The item's random bits.
    pub nonce: Nonce,
}

impl MailToken {
    /// The item's id, where it is a one-time item.
    pub fn one_time_id(&self) -> OneTimeId {
        OneTimeId::from_bytes(self.id)
    }

    /// The item's id, where it is a registration.
    pub fn registration_id(&self) -> RegistrationId {
        RegistrationId::from_bytes(self.id)
    }
}
