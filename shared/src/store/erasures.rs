//! Erasing accounts whose turn has come. Each method can be repeated: an erasure that was cut short anywhere is
//! finished by going through all of them again.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use crate::domain::audit::{AuditEntry, Subject};
use crate::domain::email::EmailKey;
use crate::domain::id::UserId;
use crate::domain::month::Month;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::{Item, number, string};
use crate::store::audit::partition_of;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::{Pages, first_page};
use crate::store::write::Write;

/// Lines that tell of a person. A run that follows one that was cut short writes only to those that are left.
const TELLING: &str = "attribute_exists(address) OR attribute_exists(user_agent) \
                       OR attribute_exists(holder_address) OR attribute_exists(holder_user_agent)";
/// How many items are changed at a time.
const AT_ONCE: usize = 25;

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
        let query = self
            .partition(&end)
            .key_condition_expression("pk = :pk AND sk < :end")
            .expression_attribute_values(":end", end.sk())
            .limit(i32::from(limit))
            .set_exclusive_start_key(start);
        first_page(query).await
    }

    /// Decides between erasing and keeping an account: after this it cannot be kept.
    pub async fn claim_erasure(&self, turn: &Erasure) -> Result<Claim, StoreError> {
        let claim = self
            .update(&Key::user(turn.user_id), "SET #status = :erasing")
            .given("erase_at = :erase AND #status IN (:leaving, :erasing)")
            .with([
                (":erase", number(turn.erase_at.millis())),
                (":leaving", serde_dynamo::to_attribute_value(UserStatus::Leaving)?),
                (":erasing", serde_dynamo::to_attribute_value(UserStatus::Erasing)?),
            ])
            .returning_new();
        let claimed = claim.send(&self.client).await?.read()?.written();
        Ok(claimed.map_or(Claim::Off, |user| Claim::Claimed(Box::new(user))))
    }

    /// Forgets a turn at which nothing is to be erased.
    pub async fn drop_erasure(&self, turn: &Erasure) -> Result<(), StoreError> {
        self.delete(&Key::erasure(turn.user_id, turn.erase_at)).send(&self.client).await.map(drop)
    }

    /// Deletes what is about an address: its items, its counter, and its lines of the trail, whose keys are hashes of it
    /// (decision 23). The credential comes last, so that the address is nobody else's before the rest is gone. Where it
    /// is not the account's, or no longer, only what is the account's own goes.
    pub async fn erase_address(&self, email: &EmailKey, user: &User, now: Timestamp) -> Result<(), StoreError> {
        let (credential, owner) = (Key::credential(email), string(user.id));
        let mut owned = false;
        let mut pages = Pages::of(keys_only(self.partition(&credential)));
        while let Some(page) = pages.next().await? {
            let of_account = |item: &&Item| item.get("user_id") == Some(&owner);
            let is_credential = |item: &&Item| item.get("sk") == Some(&credential.sk());
            owned |= page.iter().any(|item| is_credential(&item) && of_account(&item));
            let doomed = page.iter().filter(|item| !is_credential(item) && (owned || of_account(item)));
            self.delete_each(&self.table, doomed).await?;
        }
        if !owned {
            return Ok(());
        }
        for partition in self.trail(&Subject::Address(email.clone()), user, now) {
            self.delete_all(&self.audit_table, self.lines(&partition)).await?;
        }
        // Where it is refused, another run deleted it, and the address may have found another owner since.
        let delete = self.delete(&credential).given("user_id = :user").with([(":user", owner)]);
        delete.send(&self.client).await.map(drop)
    }

    /// Deletes what lies under a user but the profile, and that its passkeys are its.
    pub async fn erase_belongings(&self, user: UserId) -> Result<(), StoreError> {
        let profile = Key::user(user);
        let mut pages = Pages::of(keys_only(self.partition(&profile)));
        while let Some(page) = pages.next().await? {
            // First whose its passkeys are: nothing else tells of that.
            let owners = page.iter().filter_map(Key::owner_of_passkey);
            try_join_all(owners.map(|owner| self.delete(&owner).send(&self.client))).await?;
            let doomed = page.iter().filter(|item| item.get("sk") != Some(&profile.sk()));
            self.delete_each(&self.table, doomed).await?;
        }
        Ok(())
    }

    /// Takes addresses and user agents out of the lines about an account: the one change that lines ever see
    /// (decision 23).
    pub async fn anonymise_trail(&self, user: &User, now: Timestamp) -> Result<(), StoreError> {
        for partition in self.trail(&Subject::User(user.id), user, now) {
            let telling = keys_only(self.lines(&partition)).filter_expression(TELLING);
            let mut pages = Pages::of(telling);
            while let Some(page) = pages.next().await? {
                self.anonymise_each(&page).await?;
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

    /// Deletes a key's whole partition.
    pub(super) async fn delete_partition(&self, key: &Key) -> Result<(), StoreError> {
        self.delete_all(&self.table, self.partition(key)).await
    }

    async fn delete_all(&self, table: &str, query: QueryFluentBuilder) -> Result<(), StoreError> {
        let mut pages = Pages::of(keys_only(query));
        while let Some(page) = pages.next().await? {
            self.delete_each(table, page.iter()).await?;
        }
        Ok(())
    }

    /// Deletes the profile and the turn, and leaves the one line that says so, on condition that the account is as it
    /// was claimed.
    pub async fn erase_account(&self, user: &User, turn: &Erasure, audit: &AuditEntry) -> Result<Farewell, StoreError> {
        let profile = self.delete(&Key::user(user.id)).given("#status = :erasing AND cred_version = :version").with([
            (":erasing", serde_dynamo::to_attribute_value(UserStatus::Erasing)?),
            (":version", number(user.cred_version)),
        ]);
        let turn = self.delete(&Key::erasure(turn.user_id, turn.erase_at));
        let parts = [profile.into(), turn.into()];
        Ok(self.transact(parts, audit).await?.either(Farewell::Erased, Farewell::Superseded))
    }

    async fn delete_each<'a>(&self, table: &str, items: impl Iterator<Item = &'a Item>) -> Result<(), StoreError> {
        let items: Vec<&Item> = items.collect();
        for some in items.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|item| Write::delete(table, key_of(item)).send(&self.client))).await?;
        }
        Ok(())
    }

    async fn anonymise_each(&self, lines: &[Item]) -> Result<(), StoreError> {
        for some in lines.chunks(AT_ONCE) {
            try_join_all(some.iter().map(|line| {
                let forget = "REMOVE address, user_agent, holder_address, holder_user_agent";
                // Where it is refused, its retention ended this very moment.
                let update = Write::update(&self.audit_table, key_of(line), forget).given("attribute_exists(pk)");
                update.send(&self.client)
            }))
            .await?;
        }
        Ok(())
    }
}

/// What it takes to delete an item, and to know whose it is.
fn keys_only(query: QueryFluentBuilder) -> QueryFluentBuilder {
    query.projection_expression("pk, sk, user_id")
}

fn key_of(item: &Item) -> Item {
    item.iter().filter(|(name, _)| matches!(name.as_str(), "pk" | "sk")).map(|(n, v)| (n.clone(), v.clone())).collect()
}
