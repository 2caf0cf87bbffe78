//! The keys of second factors, and of sign-ins that wait for one.

use crate::domain::id::{ChallengeId, UserId};
use crate::store::attributes::Item;
use crate::store::keys::{FACTOR_PREFIX, Key, USER_PREFIX};

impl Key {
    /// A sign-in that waits for its second factor.
    pub(in crate::store) fn challenge(user: UserId, id: ChallengeId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("CHALLENGE#{id}"))
    }

    /// The app that shows codes: a user has one at most.
    pub(in crate::store) fn totp(user: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{FACTOR_PREFIX}totp"))
    }

    pub(in crate::store) fn recovery_codes(user: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{FACTOR_PREFIX}recovery"))
    }

    /// A passkey, by the hash of its credential's id.
    pub(in crate::store) fn passkey(user: UserId, credential_hash: &str) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{FACTOR_PREFIX}passkey#{credential_hash}"))
    }

    /// What the sort keys of a user's passkeys begin with.
    pub(in crate::store) fn passkeys(user: UserId) -> Self {
        Self::passkey(user, "")
    }

    /// Whose a credential is, by the hash of its id: it is nobody else's for good (MF-13).
    pub(in crate::store) fn passkey_owner(credential_hash: &str) -> Self {
        Self::new(format!("PASSKEY#{credential_hash}"), "OWNER")
    }

    /// The owner's key beside an item, where that is a passkey.
    pub(in crate::store) fn owner_of_passkey(item: &Item) -> Option<Self> {
        let sk = item.get("sk")?.as_s().ok()?;
        let hash = sk.strip_prefix(FACTOR_PREFIX)?.strip_prefix("passkey#")?;
        Some(Self::passkey_owner(hash))
    }

    /// That a challenge was answered which nothing else counts (MF-15).
    pub(in crate::store) fn spent_challenge(hash: &str) -> Self {
        Self::new(format!("CHALLENGE#{hash}"), "USED")
    }

    /// That a user's factors are said to be lost.
    pub(in crate::store) fn factor_loss(user: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{FACTOR_PREFIX}loss"))
    }
}
