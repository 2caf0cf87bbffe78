//! Moving an account to another address, and back (OT-12). The address before stays the account's own until it can no
//! longer be undone.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Put, Update};

use crate::domain::audit::AuditEntry;
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::EmailKey;
use crate::domain::id::UserId;
use crate::domain::one_time::OneTime;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::accounts::users::Keyed;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::transaction::{Part, Transaction};

/// An account that is to move.
#[derive(Debug)]
pub struct AddressChange<'a> {
    /// The item that gives the right to it.
    pub token: &'a OneTime,
    /// The account, as it was read.
    pub before: &'a User,
    /// The account at its new address.
    pub after: &'a User,
    /// Its password, which moves along.
    pub password: Option<WrappedHash>,
    /// Until when the address before is kept.
    pub reserved_until: Timestamp,
    /// Tells the address before, and can undo.
    pub undo: &'a OneTime,
}

/// An account that is to move back.
#[derive(Debug)]
pub struct AddressUndo<'a> {
    /// The item that gives the right to it.
    pub token: &'a OneTime,
    /// The account, as it was read.
    pub before: &'a User,
    /// The account at the address that it had.
    pub after: &'a User,
    /// The addresses that are anybody's now.
    pub given_up: &'a [EmailKey],
}

/// What became of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressMove {
    /// The account has moved, and every session is dead.
    Moved,
    /// The account changed after it was read.
    Superseded,
    /// The token was used, or the address is not to be had.
    Refused,
}

impl Store {
    /// Writes an item and with it the order for its mail, with its audit line.
    pub async fn add_one_time_recorded(&self, item: &OneTime, audit: &AuditEntry) -> Result<(), StoreError> {
        match self.transact([Part::Put(self.one_time_put(item)?)], audit).await? {
            // The audit line's id is random: what is there already is this one, from a try whose answer was lost.
            Transaction::Committed | Transaction::Refused(_) => Ok(()),
        }
    }

    /// Moves an account to the address that got the token.
    pub async fn change_address(
        &self,
        change: &AddressChange<'_>,
        audit: &AuditEntry,
    ) -> Result<AddressMove, StoreError> {
        let credential = Credential::of(change.after, change.password.clone());
        let parts = [
            Part::Update(self.moved_user(change.before, change.after, audit.at)?),
            Part::Update(self.use_up(change.token, audit.at)?),
            Part::Put(self.credential_put(&credential, audit.at)?),
            Part::Update(self.reserve_address(change)?),
            Part::Put(self.one_time_put(change.undo)?),
        ];
        self.move_account(parts, audit).await
    }

    /// Moves an account back to the address that got the token, where it is without a password.
    pub async fn undo_address_change(
        &self,
        undo: &AddressUndo<'_>,
        audit: &AuditEntry,
    ) -> Result<AddressMove, StoreError> {
        let mut parts = vec![
            Part::Update(self.moved_user(undo.before, undo.after, audit.at)?),
            Part::Update(self.use_up(undo.token, audit.at)?),
            Part::Put(self.restored_credential(&Credential::of(undo.after, None), audit.at)?),
        ];
        for address in undo.given_up {
            parts.push(Part::Delete(self.give_up(address, undo.before.id)?));
        }
        self.move_account(parts, audit).await
    }

    /// The user's own part comes first, the token's second.
    async fn move_account(
        &self,
        parts: impl IntoIterator<Item = Part>,
        audit: &AuditEntry,
    ) -> Result<AddressMove, StoreError> {
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => AddressMove::Moved,
            Transaction::Refused(refusal) if refusal.failed(0) && !refusal.failed(1) => AddressMove::Superseded,
            Transaction::Refused(_) => AddressMove::Refused,
        })
    }

    fn moved_user(&self, before: &User, after: &User, now: Timestamp) -> Result<Update, StoreError> {
        let key = Key::user(before.id);
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(
                "SET email = :email, email_verified = :verified, former_addresses = :former, #status = :after, \
                 cred_version = :next, sessions_not_before = :now REMOVE kept_sid, erase_at ADD version :one",
            )
            .condition_expression("#status = :before AND cred_version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":email", serde_dynamo::to_attribute_value(&after.email)?)
            .expression_attribute_values(":verified", AttributeValue::Bool(after.email_verified))
            .expression_attribute_values(":former", serde_dynamo::to_attribute_value(&after.former_addresses)?)
            .expression_attribute_values(":before", serde_dynamo::to_attribute_value(before.status)?)
            .expression_attribute_values(":after", serde_dynamo::to_attribute_value(after.status)?)
            .expression_attribute_values(":version", number(before.cred_version))
            .expression_attribute_values(":next", number(after.cred_version))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    /// Keeps the address before for an undo; the table's TTL removes it some time after it is anybody's.
    fn reserve_address(&self, change: &AddressChange<'_>) -> Result<Update, StoreError> {
        let key = Key::credential(&change.before.email.key());
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("SET reserved_until = :until, #ttl = :ttl REMOVE password")
            .condition_expression(
                "user_id = :user AND cred_version = :version AND attribute_not_exists(reserved_until)",
            )
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":until", number(change.reserved_until.millis()))
            .expression_attribute_values(":ttl", number(change.reserved_until.unix_seconds() + 1))
            .expression_attribute_values(":user", string(change.before.id))
            .expression_attribute_values(":version", number(change.before.cred_version))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    /// Replaces a reservation by the credential of the account that it is kept for.
    fn restored_credential(&self, credential: &Credential, now: Timestamp) -> Result<Put, StoreError> {
        let key = Key::credential(&credential.email_key);
        let (pk, sk) = key.parts();
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(serde_dynamo::to_item(Keyed { pk, sk, item: credential, ttl: None })?))
            .condition_expression("user_id = :user AND reserved_until > :now")
            .expression_attribute_values(":user", string(credential.user_id))
            .expression_attribute_values(":now", number(now.millis()))
            .build()
            .map_err(|_| StoreError::Incomplete("a put without table or item"))
    }

    fn give_up(&self, address: &EmailKey, user: UserId) -> Result<Delete, StoreError> {
        let key = Key::credential(address);
        Delete::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .condition_expression("attribute_not_exists(pk) OR user_id = :user")
            .expression_attribute_values(":user", string(user))
            .build()
            .map_err(|_| StoreError::Incomplete("a deletion without table or key"))
    }
}
