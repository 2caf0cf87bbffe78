//! What a sign-in reads: one item by the hash of the address.

use serde::{Deserialize, Serialize};

use crate::domain::email::EmailKey;
use crate::domain::factors::Factors;
use crate::domain::id::UserId;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{Roles, User, UserStatus};

/// A PHC string sealed under a key from Secrets Manager (PW-02). The table holds nothing that can be guessed against
/// without that key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedHash {
    /// The version of the key that sealed it; a version goes only when no row uses it.
    pub key_version: u32,
    /// Nonce, ciphertext and tag.
    #[serde(with = "crate::domain::blob")]
    pub sealed: Vec<u8>,
}

impl std::fmt::Debug for WrappedHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WrappedHash").field("key_version", &self.key_version).finish_non_exhaustive()
    }
}

/// The password of an address, with the copies of the user's state that spare a sign-in a second read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The address's key: part of the item's own key.
    pub email_key: EmailKey,
    /// Whose password it is.
    pub user_id: UserId,
    /// The password's hash; without one only a reset or another factor opens the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<WrappedHash>,
    /// The user's `cred_version` when this was written (SE-04).
    pub cred_version: u64,
    /// A copy of the user's roles, for the access token.
    #[serde(default)]
    pub roles: Roles,
    /// A copy of the user's status.
    pub status: UserStatus,
    /// A copy of whether the address is verified.
    pub email_verified: bool,
    /// A copy of what the account has beside the password.
    #[serde(default, skip_serializing_if = "Factors::is_empty")]
    pub factors: Factors,
    /// The account has another address now, and this one is kept for an undo until then (OT-12). Nobody signs in with
    /// it, and nobody else can have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserved_until: Option<Timestamp>,
}

impl Credential {
    /// The credential of a user with this password.
    pub fn of(user: &User, password: Option<WrappedHash>) -> Self {
        Self {
            email_key: user.email.key(),
            user_id: user.id,
            password,
            cred_version: user.cred_version,
            roles: user.roles.clone(),
            status: user.status,
            email_verified: user.email_verified,
            factors: user.factors.clone(),
            reserved_until: None,
        }
    }

    /// Whether the address may be taken by somebody else at `now`: it was only kept for an undo, and that time is over
    /// (OT-12).
    pub fn is_free(&self, now: Timestamp) -> bool {
        self.reserved_until.is_some_and(|until| until <= now)
    }
}
