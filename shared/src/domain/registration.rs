//! A registration before its address is verified (OT-10).

use serde::{Deserialize, Serialize};

use crate::domain::credential::WrappedHash;
use crate::domain::email::Email;
use crate::domain::id::{RegistrationId, UserId};
use crate::domain::name::DisplayName;
use crate::domain::one_time::{MailToken, Mailing, Purpose};
use crate::domain::origin::Origin;
use crate::domain::timestamp::Timestamp;

/// What the owner of the address is going to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationKind {
    /// The address was free: a verification mail goes out, and the link activates the account.
    Verification,
    /// The address has an account: its owner is told that somebody tried. Nothing can be activated.
    OwnerNotice,
}

/// A pending registration, or its look-alike for an address that is taken. Both are one write of the same size, and
/// registering again writes another: nobody's pending password can be replaced by a stranger (OT-10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Unique among the address's registrations.
    pub id: RegistrationId,
    /// Which mail goes out.
    pub kind: RegistrationKind,
    /// The address.
    pub email: Email,
    /// The name that the account would start with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<DisplayName>,
    /// The id that the account would get: the hash is bound to it (PW-02).
    pub user_id: UserId,
    /// This registration's own password.
    pub password: WrappedHash,
    /// SHA-256 of the secret in the flow token that the registration answered with, in hex (OT-09).
    pub flow_hash: String,
    /// The mail, whichever it is.
    #[serde(flatten)]
    pub mailing: Mailing,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When the link stops working (OT-04: at most 24 h).
    pub expires_at: Timestamp,
    /// Codes tried (OT-11).
    #[serde(default)]
    pub attempts: u32,
    /// When it was used (OT-02).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
    /// Which browser used it: [`crate::domain::browser::BrowserSecret::mark`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
}

impl Registration {
    /// As it will be once a request from here has used it.
    #[must_use]
    pub fn used_from(self, origin: &Origin) -> Self {
        let used_by = origin.browser.as_ref().map(|browser| browser.mark(&self.mailing.nonce));
        Self { used_by, ..self }
    }

    /// Whether it still waits at `now` for its address to be verified.
    pub fn is_pending(&self, now: Timestamp) -> bool {
        self.kind == RegistrationKind::Verification && self.used_at.is_none() && now < self.expires_at
    }

    /// Whether its mailed link still works at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.is_pending(now) && self.mailing.mac_kid.is_some()
    }

    /// What its mailed link says.
    pub fn token(&self) -> MailToken {
        MailToken {
            purpose: Purpose::Verification,
            email_key: self.email.key(),
            id: self.id.to_bytes(),
            nonce: self.mailing.nonce.clone(),
        }
    }
}
