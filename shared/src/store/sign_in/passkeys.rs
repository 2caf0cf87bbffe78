//! Passkeys: reading and using them.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditEntry;
use crate::domain::id::UserId;
use crate::domain::passkey::{Passkey, credential_hash};
use crate::domain::second_factor::UsedPasskey;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::first_page;
use crate::store::write::Part;

/// How long it is remembered that a challenge was answered: longer than one lives, by more than clocks can differ.
const SPENT_SECONDS: i64 = 3600;

/// Whose a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::store) struct PasskeyOwner {
    pub(in crate::store) user_id: UserId,
}

/// What becomes of one passkey of an account.
#[derive(Debug, Clone, Copy)]
pub enum PasskeySetting<'a> {
    /// All are as they were.
    AsTheyAre,
    /// This one is there.
    New(&'a Passkey),
    /// This one is gone.
    Removed(&'a Passkey),
}

/// That a challenge was answered.
#[derive(Serialize)]
struct Spent {
    spent_at: Timestamp,
}

impl Store {
    /// Reads a user's passkey by its credential's id, strongly consistent.
    pub async fn read_passkey(&self, user: UserId, credential_id: &[u8]) -> Result<Option<Passkey>, StoreError> {
        self.read(&Key::passkey(user, &credential_hash(credential_id))).await
    }

    /// Reads a user's passkeys, strongly consistent: no more than an account may have, whose items fit into a page.
    pub async fn list_passkeys(&self, user: UserId) -> Result<Vec<Passkey>, StoreError> {
        first_page(self.beginning_with(&Key::passkeys(user))).await
    }

    /// Whose a credential is, by its id, strongly consistent.
    pub async fn read_passkey_owner(&self, credential_id: &[u8]) -> Result<Option<UserId>, StoreError> {
        let owner: Option<PasskeyOwner> = self.read(&Key::passkey_owner(&credential_hash(credential_id))).await?;
        Ok(owner.map(|owner| owner.user_id))
    }

    /// Gives a user's passkey its name. Whether there still is that passkey.
    pub async fn rename_passkey(
        &self,
        user: UserId,
        passkey: &Passkey,
        audit: &AuditEntry,
    ) -> Result<bool, StoreError> {
        let update = self
            .update(&Key::passkey(user, &credential_hash(&passkey.record.id)), "SET #name = :name")
            .given("id = :id")
            .with([(":name", string(&passkey.name)), (":id", string(passkey.id))]);
        Ok(self.transact([update.into()], audit).await?.either(true, false))
    }

    /// The parts that use a passkey: it is still the one that was read, and its challenge was not answered before (MF-15).
    pub(in crate::store) fn use_passkey(&self, user: UserId, used: &UsedPasskey) -> Result<Vec<Part>, StoreError> {
        let set = "SET sign_count = :count, backup_state = :backed_up, uv_initialized = :verified, last_used_at = :at";
        let update =
            self.update(&Key::passkey(user, &credential_hash(&used.passkey.record.id)), set).given("id = :id").with([
                (":id", string(used.passkey.id)),
                (":count", number(used.sign_count)),
                (":backed_up", AttributeValue::Bool(used.backup_state)),
                (":verified", AttributeValue::Bool(used.uv_initialized)),
                (":at", number(used.at.millis())),
            ]);
        let mut parts: Vec<Part> = vec![update.into()];
        if let Some(hash) = &used.spends {
            let ttl = used.at.unix_seconds() + SPENT_SECONDS;
            parts.push(self.put_new(&Key::spent_challenge(hash), &Spent { spent_at: used.at }, Some(ttl))?.into());
        }
        Ok(parts)
    }

    /// The parts of a change of factors that concern a passkey. Its credential must be nobody's yet (MF-13).
    pub(in crate::store) fn set_passkey(
        &self,
        user: UserId,
        setting: PasskeySetting<'_>,
    ) -> Result<Vec<Part>, StoreError> {
        match setting {
            PasskeySetting::AsTheyAre => Ok(Vec::new()),
            PasskeySetting::New(passkey) => {
                let hash = credential_hash(&passkey.record.id);
                let owner = self.put_new(&Key::passkey_owner(&hash), &PasskeyOwner { user_id: user }, None)?;
                Ok(vec![owner.into(), self.put_new(&Key::passkey(user, &hash), passkey, None)?.into()])
            }
            PasskeySetting::Removed(passkey) => Ok(self.delete_passkeys(user, std::slice::from_ref(passkey)).collect()),
        }
    }

    /// The parts that delete a user's passkeys, and that they are the user's.
    pub(in crate::store) fn delete_passkeys<'a>(
        &'a self,
        user: UserId,
        passkeys: &'a [Passkey],
    ) -> impl Iterator<Item = Part> + 'a {
        passkeys.iter().flat_map(move |passkey| {
            let hash = credential_hash(&passkey.record.id);
            [self.delete(&Key::passkey(user, &hash)).into(), self.delete(&Key::passkey_owner(&hash)).into()]
        })
    }
}
