//! Accounts whose owners leave: until their turn to be erased comes, they can be kept ([`crate::store::erasures`]).

use aws_sdk_dynamodb::types::{Delete, ReturnValuesOnConditionCheckFailure, Update};

use crate::domain::audit::AuditEntry;
use crate::domain::one_time::OneTime;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::erasures::Erasure;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::transaction::{Part, Transaction};

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
        let key = Key::user(user.id);
        let leave = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(
                "SET #status = :leaving, erase_at = :erase, cred_version = :next, sessions_not_before = :now \
                 REMOVE kept_sid ADD version :one",
            )
            .condition_expression("#status = :active AND cred_version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":leaving", serde_dynamo::to_attribute_value(UserStatus::Leaving)?)
            .expression_attribute_values(":active", serde_dynamo::to_attribute_value(UserStatus::Active)?)
            .expression_attribute_values(":erase", number(erase_at.millis()))
            .expression_attribute_values(":version", number(user.cred_version))
            .expression_attribute_values(":next", number(user.cred_version + 1))
            .expression_attribute_values(":now", number(audit.at.millis()))
            .expression_attribute_values(":one", number(1))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))?;
        let turn = Erasure { user_id: user.id, erase_at };
        let parts = [
            Part::Update(leave),
            Part::Update(self.credential_status(user, UserStatus::Leaving)?),
            Part::Put(self.put_new(&Key::erasure(user.id, erase_at), &turn, None)?),
            Part::Put(self.one_time_put(keep)?),
        ];
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => DeletionSchedule::Scheduled,
            // A retry whose first try had gone through after all meets its own work.
            Transaction::Refused(refusal)
                if refusal.met(0).and_then(|item| item.get("erase_at")) == Some(&number(erase_at.millis())) =>
            {
                DeletionSchedule::Scheduled
            }
            Transaction::Refused(_) => DeletionSchedule::Superseded,
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
        let key = Key::user(user.id);
        let keep = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("SET #status = :active, cred_version = :next REMOVE erase_at ADD version :one")
            .condition_expression("#status = :leaving AND erase_at = :erase AND cred_version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", serde_dynamo::to_attribute_value(UserStatus::Active)?)
            .expression_attribute_values(":leaving", serde_dynamo::to_attribute_value(UserStatus::Leaving)?)
            .expression_attribute_values(":erase", number(erase_at.millis()))
            .expression_attribute_values(":version", number(user.cred_version))
            .expression_attribute_values(":next", number(user.cred_version + 1))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))?;
        let turn = Key::erasure(user.id, erase_at);
        let forget = Delete::builder()
            .table_name(&self.table)
            .key("pk", turn.pk())
            .key("sk", turn.sk())
            .build()
            .map_err(|_| StoreError::Incomplete("a deletion without table or key"))?;
        let parts = [
            Part::Update(keep),
            Part::Update(self.credential_status(user, UserStatus::Active)?),
            Part::Update(self.use_up(token, audit.at)?),
            Part::Delete(forget),
        ];
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => Keeping::Kept,
            Transaction::Refused(_) => Keeping::Refused,
        })
    }

    /// The credential's copy of a status, with the next version of the credentials.
    fn credential_status(&self, user: &User, status: UserStatus) -> Result<Update, StoreError> {
        let key = Key::credential(&user.email.key());
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("SET #status = :status, cred_version = :next")
            .condition_expression(
                "user_id = :user AND cred_version = :version AND attribute_not_exists(reserved_until)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", serde_dynamo::to_attribute_value(status)?)
            .expression_attribute_values(":user", string(user.id))
            .expression_attribute_values(":version", number(user.cred_version))
            .expression_attribute_values(":next", number(user.cred_version + 1))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }
}
