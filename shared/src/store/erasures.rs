//! Erasing accounts whose turn has come. Each method can be repeated: an erasure that was cut short anywhere is
//! finished by going through all of them again.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Delete, ReturnValue};
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::domain::audit::{AuditEntry, Subject};
use crate::domain::email::EmailKey;
use crate::domain::id::UserId;
use crate::domain::month::Month;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::audit::partition_of;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::transaction::{Part, Transaction};

/// Lines that tell of a person. A run that follows one that was cut short writes only to those that are left.
const TELLING: &str = "attribute_exists(address) OR attribute_exists(user_agent) \
                       OR attribute_exists(holder_address) OR attribute_exists(holder_user_agent)";
/// How many items are changed at a time.
const AT_ONCE: usize = 25;

type Item = HashMap<String, AttributeValue>;

/// An account's turn to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The account.
    pub user_id: UserId,
    /// When its turn comes; the account says the same, or is not to be erased at this turn.
    pub erase_at: Timestamp,
}

/// What became of an account whose turn has come.
#[derive(Debug)]
pub enum Claim {
    /// From now on it cannot be kept.
    Claimed(Box<User>),
    /// It is not to be erased at this turn.
    Off,
}

/// What became of the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// The account is gone.
    Erased,
    /// Another run erased it, or it changed and has to be gone through again.
    Superseded,
}

impl Store {
    /// The turns that have come, oldest first, after the one before: a page.
    pub async fn due_erasures(
        &self,
        after: Option<&Erasure>,
        limit: u16,
        now: Timestamp,
    ) -> Result<Vec<Erasure>, StoreError> {
        let end = Key::erasures_after(now);
        let start = after.map(|turn| Key::erasure(turn.user_id, turn.erase_at).attributes());
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND sk < :end")
            .expression_attribute_values(":pk", end.pk())
            .expression_attribute_values(":end", end.sk())
            .consistent_read(true)
            .limit(i32::from(limit))
            .set_exclusive_start_key(start)
            .send()
            .await?;
        Ok(serde_dynamo::from_items(output.items.unwrap_or_default())?)
    }

    /// Decides between erasing and keeping an account: after this it cannot be kept.
    pub async fn claim_erasure(&self, turn: &Erasure) -> Result<Claim, StoreError> {
        let answer = self
            .update(&Key::user(turn.user_id))
            .update_expression("SET #status = :erasing")
            .condition_expression("erase_at = :erase AND #status IN (:leaving, :erasing)")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":erase", number(turn.erase_at.millis()))
            .expression_attribute_values(":leaving", serde_dynamo::to_attribute_value(UserStatus::Leaving)?)
            .expression_attribute_values(":erasing", serde_dynamo::to_attribute_value(UserStatus::Erasing)?)
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match answer {
            Ok(output) => {
                let item = output.attributes.ok_or(StoreError::Incomplete("no item with an update"))?;
                Ok(Claim::Claimed(Box::new(serde_dynamo::from_item(item)?)))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Claim::Off),
                _ => Err(error.into()),
            },
        }
    }

    /// Forgets a turn at which nothing is to be erased.
    pub async fn drop_erasure(&self, turn: &Erasure) -> Result<(), StoreError> {
        let key = Key::erasure(turn.user_id, turn.erase_at);
        let delete = self.client.delete_item().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        delete.send().await.map(|_| ()).map_err(StoreError::from)
    }

    /// Deletes what is about an address: its items, its counter, and its lines of the trail, whose keys are hashes of it
    /// (decision 23). The credential comes last, so that the address is nobody else's before the rest is gone. Where it
    /// is not the account's, or no longer, only what is the account's own goes.
    pub async fn erase_address(&self, email: &EmailKey, user: &User, now: Timestamp) -> Result<(), StoreError> {
        let (credential, owner) = (Key::credential(email), string(user.id));
        let (mut start, mut owned) = (None, false);
        loop {
            let page = self.keys_under(&self.table, &credential.pk(), None, start).await?;
            let of_account = |item: &&Item| item.get("user_id") == Some(&owner);
            let is_credential = |item: &&Item| item.get("sk") == Some(&credential.sk());
            owned |= page.items.iter().any(|item| is_credential(&item) && of_account(&item));
            let doomed = page.items.iter().filter(|item| !is_credential(item) && (owned || of_account(item)));
            self.delete_each(&self.table, doomed).await?;
            start = page.next;
            if start.is_none() {
                break;
            }
        }
        if !owned {
            return Ok(());
        }
        for partition in self.trail(&Subject::Address(email.clone()), user, now) {
            self.delete_under(&self.audit_table, &string(partition)).await?;
        }
        self.delete_credential(&credential, user.id).await
    }

    async fn delete_credential(&self, credential: &Key, user: UserId) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&self.table).key("pk", credential.pk());
        let delete = delete.key("sk", credential.sk()).condition_expression("user_id = :user");
        match delete.expression_attribute_values(":user", string(user)).send().await {
            Ok(_) => Ok(()),
            // Another run deleted it, and the address may have found another owner since.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes what lies under a user but the profile.
    pub async fn erase_belongings(&self, user: UserId) -> Result<(), StoreError> {
        let profile = Key::user(user);
        let mut start = None;
        loop {
            let page = self.keys_under(&self.table, &profile.pk(), None, start).await?;
            let doomed = page.items.iter().filter(|item| item.get("sk") != Some(&profile.sk()));
            self.delete_each(&self.table, doomed).await?;
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Takes addresses and user agents out of the lines about an account: the one change that lines ever see
    /// (decision 23).
    pub async fn anonymise_trail(&self, user: &User, now: Timestamp) -> Result<(), StoreError> {
        for partition in self.trail(&Subject::User(user.id), user, now) {
            let partition = string(partition);
            let mut start = None;
            loop {
                let page = self.keys_under(&self.audit_table, &partition, Some(TELLING), start).await?;
                self.anonymise_each(&page.items).await?;
                start = page.next;
                if start.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The partitions that can have lines about a subject: failed sign-ins may be older than the account, and lines of
    /// its first month older than today's retention.
    fn trail(&self, subject: &Subject, user: &User, now: Timestamp) -> Vec<String> {
        let first = Month::of(user.created_at.min(self.retention_start(now)));
        Month::of(now).back_to(first).map(|month| partition_of(subject, month)).collect()
    }

    /// Deletes a whole partition.
    pub(super) async fn delete_under(&self, table: &str, partition: &AttributeValue) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let page = self.keys_under(table, partition, None, start).await?;
            self.delete_each(table, page.items.iter()).await?;
            start = page.next;
            if start.is_none() {
                return Ok(());
            }
        }
    }

    /// Deletes the profile and the turn, and leaves the one line that says so, on condition that the account is as it
    /// was claimed.
    pub async fn erase_account(&self, user: &User, turn: &Erasure, audit: &AuditEntry) -> Result<Farewell, StoreError> {
        let (profile, turn) = (Key::user(user.id), Key::erasure(turn.user_id, turn.erase_at));
        let delete = |key: &Key| Delete::builder().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        let incomplete = |_| StoreError::Incomplete("a deletion without table or key");
        let account = delete(&profile)
            .condition_expression("#status = :erasing AND cred_version = :version")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":erasing", serde_dynamo::to_attribute_value(UserStatus::Erasing)?)
            .expression_attribute_values(":version", number(user.cred_version))
            .build()
            .map_err(incomplete)?;
        let parts = [Part::Delete(account), Part::Delete(delete(&turn).build().map_err(incomplete)?)];
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => Farewell::Erased,
            Transaction::Refused(_) => Farewell::Superseded,
        })
    }

    async fn keys_under(
        &self,
        table: &str,
        partition: &AttributeValue,
        filter: Option<&str>,
        start: Option<Item>,
    ) -> Result<Page, StoreError> {
        let output = self
            .client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :pk")
            .expression_attribute_values(":pk", partition.clone())
            .set_filter_expression(filter.map(str::to_owned))
            .projection_expression("pk, sk, user_id")
            .consistent_read(true)
            .set_exclusive_start_key(start)
            .send()
            .await?;
        Ok(Page { items: output.items.unwrap_or_default(), next: output.last_evaluated_key })
    }

    async fn delete_each<'a>(&self, table: &str, items: impl Iterator<Item = &'a Item>) -> Result<(), StoreError> {
        let items: Vec<&Item> = items.collect();
        for some in items.chunks(AT_ONCE) {
            try_join_all(some.iter().map(async |item| {
                let delete = self.client.delete_item().table_name(table);
                delete.set_key(Some(key_of(item))).send().await
            }))
            .await?;
        }
        Ok(())
    }

    async fn anonymise_each(&self, lines: &[Item]) -> Result<(), StoreError> {
        for some in lines.chunks(AT_ONCE) {
            try_join_all(some.iter().map(async |line| {
                let update = self.client.update_item().table_name(&self.audit_table).set_key(Some(key_of(line)));
                let update = update.update_expression("REMOVE address, user_agent, holder_address, holder_user_agent");
                match update.condition_expression("attribute_exists(pk)").send().await {
                    Ok(_) => Ok(()),
                    // Its retention ended this very moment.
                    Err(error)
                        if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) =>
                    {
                        Ok(())
                    }
                    Err(error) => Err(StoreError::from(error)),
                }
            }))
            .await?;
        }
        Ok(())
    }
}

struct Page {
    items: Vec<Item>,
    next: Option<Item>,
}

fn key_of(item: &Item) -> Item {
    item.iter().filter(|(name, _)| matches!(name.as_str(), "pk" | "sk")).map(|(n, v)| (n.clone(), v.clone())).collect()
}
