//! Second factors as the table has them, and sign-ins that wait for one.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditAction;
use crate::domain::credential::WrappedHash;
use crate::domain::id::{ChallengeId, FactorId, UserId};
use crate::domain::passkey::Passkey;
use crate::domain::timestamp::Timestamp;

/// What shows a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedFactor {
    /// The code of this step, of this app.
    Totp {
        /// The app.
        id: FactorId,
        /// The step.
        step: u64,
    },
    /// One of the recovery codes.
    RecoveryCode {
        /// Its hash.
        hash: String,
    },
    /// A passkey.
    Passkey(Box<UsedPasskey>),
}

impl UsedFactor {
    /// What the trail says of its use, where that is more than that somebody signed in, or stepped up.
    pub fn action(&self) -> Option<AuditAction> {
        match self {
            Self::RecoveryCode { .. } => Some(AuditAction::RecoveryCodeUsed),
            Self::Passkey(used) if used.regressed => Some(AuditAction::PasskeyCounterRegressed),
            Self::Passkey(_) | Self::Totp { .. } => None,
        }
    }
}

/// A passkey that was shown, as it is from then on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedPasskey {
    /// The passkey, when it was read.
    pub passkey: Passkey,
    /// What its authenticator has counted by now.
    pub sign_count: u32,
    /// Whether it is backed up by now.
    pub backup_state: bool,
    /// Whether it verified its user, just now or before.
    pub uv_initialized: bool,
    /// Whether its counter went back (MF-16).
    pub regressed: bool,
    /// When it was shown.
    pub at: Timestamp,
    /// The hash of the challenge, where nothing else says that it was answered.
    pub spends: Option<String>,
}

/// What a person has shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstFactor {
    /// The password.
    Password,
    /// A code or a link from a mail.
    Mail,
}

/// A sign-in that waits for its second factor. It makes one session at most (MF-02).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Part of the item's key.
    pub id: ChallengeId,
    /// Who signs in.
    pub user_id: UserId,
    /// SHA-256 of the 128 random bits that its token carries, in hex (OT-09).
    pub secret_hash: String,
    /// The account's credentials when the first factor was shown: a change of them ends it (SE-04).
    pub cred_version: u64,
    /// What was shown.
    pub first: FirstFactor,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<Timestamp>,
}

impl Challenge {
    /// Whether it still works at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

/// An app that shows codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TotpFactor {
    /// Unique; the secret is sealed for it.
    pub id: FactorId,
    /// What app and server share, sealed (MF-05).
    pub secret: WrappedHash,
    /// The last step whose code was taken: none at or before it is again (MF-03).
    pub last_step: u64,
    /// When it was set up.
    pub created_at: Timestamp,
}

/// That somebody who knows the first factor says that all others are lost (MF-20). Whatever changes credentials or factors
/// meanwhile, ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorLoss {
    /// When it was said.
    pub asked_at: Timestamp,
    /// From then on it takes the factors away, if it is said once more.
    pub usable_from: Timestamp,
    /// Forgotten from then on.
    pub expires_at: Timestamp,
    /// The account's credentials when it was said.
    pub cred_version: u64,
    /// Its factors' version.
    pub factors_version: u64,
}

impl FactorLoss {
    /// Whether it is of the account as it is now.
    pub fn is_open(&self, cred_version: u64, factors_version: u64, now: Timestamp) -> bool {
        self.cred_version == cred_version && self.factors_version == factors_version && now < self.expires_at
    }
}

/// The codes for the day on which everything else is lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// Unique: others are made in their place.
    pub id: FactorId,
    /// [`crate::crypto::recovery_code::RecoveryCode::hash`] of those that are left.
    pub codes: BTreeSet<String>,
    /// When they were made.
    pub created_at: Timestamp,
}
