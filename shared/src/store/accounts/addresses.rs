//! Moving an account to another address, and back (OT-12). The address before stays the account's own until it can no
//! longer be undone.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::audit::AuditEntry;
use crate::domain::credential::{Credential, WrappedHash};
use crate::domain::email::EmailKey;
use crate::domain::id::UserId;
use crate::domain::one_time::OneTime;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::sign_in::admission::same_factors;
use crate::store::write::{Delete, Part, Put, Update, Write};

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
        // The audit line's id is random: what is there already is this one, from a try whose answer was lost.
        self.transact([self.one_time_put(item)?.into()], audit).await.map(drop)
    }

    /// Moves an account to the address that got the token.
    pub async fn change_address(
        &self,
        change: &AddressChange<'_>,
        audit: &AuditEntry,
    ) -> Result<AddressMove, StoreError> {
        let credential = Credential::of(change.after, change.password.clone());
        let parts: [Part; 5] = [
            self.moved_user(change.before, change.after, audit.at)?.into(),
            self.use_up(change.token, audit.at).into(),
            self.credential_put(&credential, audit.at)?.into(),
            self.reserve_address(change).into(),
            self.one_time_put(change.undo)?.into(),
        ];
        self.move_account(parts, audit).await
    }

    /// Moves an account back to the address that got the token, where it is without a password.
    pub async fn undo_address_change(
        &self,
        undo: &AddressUndo<'_>,
        audit: &AuditEntry,
    ) -> Result<AddressMove, StoreError> {
        let mut parts: Vec<Part> = vec![
            self.moved_user(undo.before, undo.after, audit.at)?.into(),
            self.use_up(undo.token, audit.at).into(),
            self.restored_credential(&Credential::of(undo.after, None), audit.at)?.into(),
        ];
        for address in undo.given_up {
            parts.push(self.give_up(address, undo.before.id).into());
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
            Outcome::Written(()) => AddressMove::Moved,
            Outcome::Refused(refusal) if refusal.failed(0) && !refusal.failed(1) => AddressMove::Superseded,
            Outcome::Refused(_) => AddressMove::Refused,
        })
    }

    fn moved_user(&self, before: &User, after: &User, now: Timestamp) -> Result<Write<Update>, StoreError> {
        let move_to = "SET email = :email, email_verified = :verified, former_addresses = :former, #status = :after, \
                       cred_version = :next, sessions_not_before = :now REMOVE kept_sid, erase_at ADD version :one";
        let update = self.update(&Key::user(before.id), move_to).given("#status = :before AND cred_version = :version");
        // The credential of the address that it goes to has a copy of them.
        Ok(same_factors(update, before.factors.version).with([
            (":email", serde_dynamo::to_attribute_value(&after.email)?),
            (":verified", AttributeValue::Bool(after.email_verified)),
            (":former", serde_dynamo::to_attribute_value(&after.former_addresses)?),
            (":before", serde_dynamo::to_attribute_value(before.status)?),
            (":after", serde_dynamo::to_attribute_value(after.status)?),
            (":version", number(before.cred_version)),
            (":next", number(after.cred_version)),
            (":now", number(now.millis())),
            (":one", number(1)),
        ]))
    }

    /// Keeps the address before for an undo; the table's TTL removes it some time after it is anybody's.
    fn reserve_address(&self, change: &AddressChange<'_>) -> Write<Update> {
        let before = change.before;
        let keep = "SET reserved_until = :until, #ttl = :ttl REMOVE password";
        self.update_credential(&before.email.key(), (before.id, before.cred_version), keep).with([
            (":until", number(change.reserved_until.millis())),
            (":ttl", number(change.reserved_until.unix_seconds() + 1)),
        ])
    }

    /// Replaces a reservation by the credential of the account that it is kept for.
    fn restored_credential(&self, credential: &Credential, now: Timestamp) -> Result<Write<Put>, StoreError> {
        Ok(self
            .put(&Key::credential(&credential.email_key), credential, None)?
            .given("user_id = :user AND reserved_until > :now")
            .with([(":user", string(credential.user_id)), (":now", number(now.millis()))]))
    }

    fn give_up(&self, address: &EmailKey, user: UserId) -> Write<Delete> {
        self.delete(&Key::credential(address))
            .given("attribute_not_exists(pk) OR user_id = :user")
            .with([(":user", string(user))])
    }
}
