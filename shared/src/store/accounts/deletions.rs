//! Accounts whose owners leave: until their turn to be erased comes, they can be kept ([`crate::store::erasures`]).

use crate::domain::audit::AuditEntry;
use crate::domain::one_time::OneTime;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::number;
use crate::store::erasures::Erasure;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::write::{Update, Write};

/// What became of a deletion that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletionSchedule {
    /// The account leaves, and every session is dead.
    Scheduled,
    /// The account changed after it was read.
    Superseded,
}

/// What became of an account that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It is active again.
    Kept,
    /// It is being erased, it does not leave, or the token was used.
    Refused,
}

impl Store {
    /// Lets an account leave: nobody can sign in to it, and its turn to be erased is fixed.
    pub async fn schedule_deletion(
        &self,
        user: &User,
        erase_at: Timestamp,
        keep: &OneTime,
        audit: &AuditEntry,
    ) -> Result<DeletionSchedule, StoreError> {
        let leave = self
            .update(
                &Key::user(user.id),
                "SET #status = :leaving, erase_at = :erase, cred_version = :next, sessions_not_before = :now \
                 REMOVE kept_sid ADD version :one",
            )
            .given("#status = :active AND cred_version = :version")
            .with([
                (":leaving", serde_dynamo::to_attribute_value(UserStatus::Leaving)?),
                (":active", serde_dynamo::to_attribute_value(UserStatus::Active)?),
                (":erase", number(erase_at.millis())),
                (":version", number(user.cred_version)),
                (":next", number(user.cred_version + 1)),
                (":now", number(audit.at.millis())),
                (":one", number(1)),
            ])
            .showing_met();
        let turn = Erasure { user_id: user.id, erase_at };
        let parts = [
            leave.into(),
            self.credential_status(user, UserStatus::Leaving)?.into(),
            self.put_new(&Key::erasure(user.id, erase_at), &turn, None)?.into(),
            self.one_time_put(keep)?.into(),
        ];
        Ok(match self.transact(parts, audit).await? {
            Outcome::Written(()) => DeletionSchedule::Scheduled,
            // A retry whose first try had gone through after all meets its own work.
            Outcome::Refused(refusal)
                if refusal.met(0).and_then(|item| item.get("erase_at")) == Some(&number(erase_at.millis())) =>
            {
                DeletionSchedule::Scheduled
            }
            Outcome::Refused(_) => DeletionSchedule::Superseded,
        })
    }

    /// Keeps an account, unless its turn has come.
    pub async fn keep_account(
        &self,
        user: &User,
        erase_at: Timestamp,
        token: &OneTime,
        audit: &AuditEntry,
    ) -> Result<Keeping, StoreError> {
        let keep = self
            .update(&Key::user(user.id), "SET #status = :active, cred_version = :next REMOVE erase_at ADD version :one")
            .given("#status = :leaving AND erase_at = :erase AND cred_version = :version")
            .with([
                (":active", serde_dynamo::to_attribute_value(UserStatus::Active)?),
                (":leaving", serde_dynamo::to_attribute_value(UserStatus::Leaving)?),
                (":erase", number(erase_at.millis())),
                (":version", number(user.cred_version)),
                (":next", number(user.cred_version + 1)),
                (":one", number(1)),
            ]);
        let parts = [
            keep.into(),
            self.credential_status(user, UserStatus::Active)?.into(),
            self.use_up(token, audit.at).into(),
            self.delete(&Key::erasure(user.id, erase_at)).into(),
        ];
        Ok(self.transact(parts, audit).await?.either(Keeping::Kept, Keeping::Refused))
    }

    /// The credential's copy of a status, with the next version of the credentials.
    fn credential_status(&self, user: &User, status: UserStatus) -> Result<Write<Update>, StoreError> {
        let set = "SET #status = :status, cred_version = :next";
        Ok(self
            .update_credential(&user.email.key(), (user.id, user.cred_version), set)
            .with([(":status", serde_dynamo::to_attribute_value(status)?), (":next", number(user.cred_version + 1))]))
    }
}
