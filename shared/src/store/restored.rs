//! A table that a restore has made, before anybody uses it (PL-07). Each change happens once, however often it is asked
//! for: an account's own item says that the account is done, and an item that a mail was sent from, that it was used.

use aws_sdk_dynamodb::types::{Delete, Update};
use serde::Deserialize;

use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::id::UserId;
use crate::domain::month::Month;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::audit::partition_of;
use crate::store::erasures::Erasure;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::restored_items::Mailed;
use crate::store::transaction::{Part, Transaction};

/// An account is done when its sessions end at the time of the restore.
const NOT_DONE: &str =
    "attribute_exists(pk) AND (attribute_not_exists(sessions_not_before) OR sessions_not_before < :now)";

/// What an account becomes, all at once.
#[derive(Debug)]
pub struct Rewrite<'a> {
    /// The account as it was read.
    pub before: &'a User,
    /// The account as it is to be.
    pub after: &'a User,
    /// Whether its password goes.
    pub without_password: bool,
    /// When the restore was made.
    pub now: Timestamp,
    /// Its lines.
    pub audit: &'a [AuditEntry],
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// It was changed just now.
    Changed,
    /// A run before this one did it.
    Before,
    /// Nothing was written: the account's credential is not what the account says, so nobody can sign in with it.
    Unfit,
}

impl Store {
    /// A restored table beside the same audit table. The table that is live has no business here.
    pub fn restored(&self, table: String) -> Result<Self, StoreError> {
        if table == self.table {
            return Err(StoreError::Refused("this table is the live one".to_owned()));
        }
        Ok(Self { table, ..self.clone() })
    }

    /// What happened to an account since then, oldest first, strongly consistent. One query a month.
    pub async fn lines_since(
        &self,
        user: UserId,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<(AuditAction, Timestamp)>, StoreError> {
        #[derive(Deserialize)]
        struct Line {
            action: AuditAction,
            at: Timestamp,
        }
        let mut lines = Vec::new();
        for month in Month::of(now).back_to(Month::of(since)) {
            let partition = partition_of(&Subject::User(user), month);
            let mut start = None;
            loop {
                let query = self
                    .client
                    .query()
                    .table_name(&self.audit_table)
                    .key_condition_expression("pk = :pk AND sk >= :first")
                    .expression_attribute_values(":pk", string(&partition))
                    .expression_attribute_values(":first", string(crate::domain::id::AuditId::new(since, 0)))
                    .consistent_read(true)
                    .set_exclusive_start_key(start);
                let page = query.send().await?;
                let read = serde_dynamo::from_items::<_, Line>(page.items.unwrap_or_default())?;
                lines.extend(read.into_iter().map(|line| (line.action, line.at)));
                start = page.last_evaluated_key.filter(|key| !key.is_empty());
                if start.is_none() {
                    break;
                }
            }
        }
        // In one millisecond ids are in no order, and a line of the same millisecond as another is of another request.
        lines.sort_by_key(|(_, at)| *at);
        Ok(lines)
    }

    /// Uses an item up that nobody used. A run before this one may have.
    pub async fn kill_mailed(&self, item: &Mailed, now: Timestamp) -> Result<Swept, StoreError> {
        let update = self
            .update(&item.key)
            .update_expression("SET used_at = :now")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(used_at)")
            .expression_attribute_values(":now", number(now.millis()));
        match update.send().await {
            Ok(_) => Ok(Swept::Changed),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Swept::Before)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Ends every session of an account, and makes it what it is to be, unless a run before this one did.
    pub async fn rewrite_account(&self, rewrite: &Rewrite<'_>) -> Result<Swept, StoreError> {
        let user = self.rewritten_user(rewrite)?;
        let mut parts = vec![Part::Update(user)];
        if !rewrite.audit.is_empty() {
            parts.push(Part::Update(self.rewritten_credential(rewrite)?));
        }
        parts.extend(self.turns(rewrite)?);
        for line in rewrite.audit {
            parts.push(Part::Put(self.audit_put(line)?));
        }
        match self.transact_parts(parts).await? {
            Transaction::Committed => Ok(Swept::Changed),
            Transaction::Refused(refusal) if refusal.failed(0) => Ok(Swept::Before),
            Transaction::Refused(_) => Ok(Swept::Unfit),
        }
    }

    fn rewritten_user(&self, rewrite: &Rewrite<'_>) -> Result<Update, StoreError> {
        let (key, after) = (Key::user(rewrite.before.id), rewrite.after);
        let mut set = "SET sessions_not_before = :now, #status = :status, cred_version = :version".to_owned();
        let mut remove = " REMOVE kept_sid".to_owned();
        let mut update = Update::builder().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        match after.erase_at {
            Some(at) => {
                set.push_str(", erase_at = :erase");
                update = update.expression_attribute_values(":erase", number(at.millis()));
            }
            None => remove.push_str(", erase_at"),
        }
        update
            .update_expression(format!("{set}{remove} ADD version :one"))
            .condition_expression(NOT_DONE)
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", serde_dynamo::to_attribute_value(after.status)?)
            .expression_attribute_values(":version", number(after.cred_version))
            .expression_attribute_values(":now", number(rewrite.now.millis()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    fn rewritten_credential(&self, rewrite: &Rewrite<'_>) -> Result<Update, StoreError> {
        let key = Key::credential(&rewrite.before.email.key());
        let remove = if rewrite.without_password { " REMOVE password" } else { "" };
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(format!("SET #status = :status, cred_version = :next{remove}"))
            .condition_expression(
                "user_id = :user AND cred_version = :version AND attribute_not_exists(reserved_until)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", serde_dynamo::to_attribute_value(rewrite.after.status)?)
            .expression_attribute_values(":next", number(rewrite.after.cred_version))
            .expression_attribute_values(":user", string(rewrite.before.id))
            .expression_attribute_values(":version", number(rewrite.before.cred_version))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    /// The account's turn to be erased, where that changes.
    fn turns(&self, rewrite: &Rewrite<'_>) -> Result<Vec<Part>, StoreError> {
        let (before, after) = (rewrite.before.erase_at, rewrite.after.erase_at);
        if before == after {
            return Ok(Vec::new());
        }
        let id = rewrite.before.id;
        let mut parts = Vec::new();
        if let Some(at) = before {
            let key = Key::erasure(id, at);
            let delete = Delete::builder().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk()).build();
            parts.push(Part::Delete(delete.map_err(|_| StoreError::Incomplete("a deletion without table or key"))?));
        }
        if let Some(erase_at) = after {
            let turn = Erasure { user_id: id, erase_at };
            parts.push(Part::Put(self.put_new(&Key::erasure(id, erase_at), &turn, None)?));
        }
        Ok(parts)
    }

    /// Whether an account's credential is as the account says: without that nobody could sign in to it.
    pub async fn fits_its_credential(&self, user: &User) -> Result<bool, StoreError> {
        if user.status == UserStatus::Erasing {
            return Ok(true);
        }
        let credential = self.read_credential(&user.email.key()).await?;
        Ok(credential.is_some_and(|credential| {
            credential.user_id == user.id
                && credential.cred_version == user.cred_version
                && credential.status == user.status
                && credential.reserved_until.is_none()
        }))
    }
}
