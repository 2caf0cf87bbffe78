//! A table that a restore has made, before anybody uses it (PL-07). Each change happens once, however often it is asked
//! for: an account's own item says that the account is done, and an item that a mail was sent from, that it was used.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, Delete, Update};
use serde::{Deserialize, Serialize};

use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::id::UserId;
use crate::domain::month::Month;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::audit::partition_of;
use crate::store::erasures::Erasure;
use crate::store::error::StoreError;
use crate::store::keys::{DEVICE_PREFIX, Key, ONE_TIME_PREFIX, PROFILE, REGISTRATION_PREFIX, SESSION_PREFIX};
use crate::store::transaction::{Part, Transaction};

type Item = HashMap<String, AttributeValue>;

/// What the sweep changes: left out of an item's checksum, so that it is the same before and after.
const CHANGED: [&str; 8] =
    ["status", "cred_version", "sessions_not_before", "kept_sid", "erase_at", "version", "password", "used_at"];

/// An account is done when its sessions end at the time of the restore.
const NOT_DONE: &str =
    "attribute_exists(pk) AND (attribute_not_exists(sessions_not_before) OR sessions_not_before < :now)";

/// Where a scan goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    pk: String,
    sk: String,
}

/// A part of the table: several can be gone through at a time.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Segment {
    /// Which part, from 0.
    pub number: i32,
    /// Of how many.
    pub of: i32,
}

/// A page of the table, in no order.
#[derive(Debug)]
pub struct RestoredPage {
    /// What is on it.
    pub items: Vec<RestoredItem>,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// An item, as far as a restore cares.
#[derive(Debug)]
pub struct RestoredItem {
    /// The kind, for counting.
    pub kind: &'static str,
    /// Of what the sweep does not change.
    pub checksum: u128,
    /// What it is.
    pub content: Content,
}

/// What an item is.
#[derive(Debug)]
pub enum Content {
    /// An account.
    User(Box<User>),
    /// Something that a mailed token or code uses up.
    Mailed(Mailed),
    /// Dead or harmless as it is.
    Other,
}

/// Something that a mailed token or code uses up.
#[derive(Debug)]
pub struct Mailed {
    key: Key,
    /// Whose it is, where it gives a right that cannot be asked for again: to undo a change of address, to keep an
    /// account.
    pub right_of: Option<UserId>,
    /// Whether its token still works.
    pub is_live: bool,
}

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

    /// Reads a page, strongly consistent.
    pub async fn scan_restored(
        &self,
        segment: Segment,
        limit: i32,
        from: Option<Cursor>,
        now: Timestamp,
    ) -> Result<RestoredPage, StoreError> {
        let from =
            from.map(|Cursor { pk, sk }| Item::from([("pk".to_owned(), string(pk)), ("sk".to_owned(), string(sk))]));
        let scan = self.client.scan().table_name(&self.table).consistent_read(true).limit(limit);
        let page = scan.segment(segment.number).total_segments(segment.of).set_exclusive_start_key(from).send().await?;
        let next = page.last_evaluated_key.filter(|key| !key.is_empty()).map(serde_dynamo::from_item).transpose()?;
        let items = page.items.unwrap_or_default().into_iter().map(|item| RestoredItem::read(item, now));
        Ok(RestoredPage { items: items.collect::<Result<_, _>>()?, next })
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

impl RestoredItem {
    fn read(item: Item, now: Timestamp) -> Result<Self, StoreError> {
        let (pk, sk) = (text(&item, "pk")?.to_owned(), text(&item, "sk")?.to_owned());
        let kind = kind(&pk, &sk);
        let checksum = checksum(&item)?;
        let content = match kind {
            "user" => Content::User(serde_dynamo::from_item(item)?),
            "one_time" => {
                let one_time: OneTime = serde_dynamo::from_item(item)?;
                let is_right = matches!(one_time.purpose, Purpose::EmailUndo | Purpose::KeepAccount);
                let right_of = one_time.user_id.filter(|_| is_right);
                // One that was not sent yet has no token. It would be sent by the next order that names it.
                let is_live = one_time.used_at.is_none() && now < one_time.expires_at;
                Content::Mailed(Mailed { key: Key::of_one_time(&one_time), right_of, is_live })
            }
            "registration" => {
                let registration: Registration = serde_dynamo::from_item(item)?;
                let key = Key::registration(&registration.email.key(), registration.id);
                let is_live = registration.used_at.is_none() && now < registration.expires_at;
                Content::Mailed(Mailed { key, right_of: None, is_live })
            }
            _ => Content::Other,
        };
        Ok(Self { kind, checksum, content })
    }
}

fn kind(pk: &str, sk: &str) -> &'static str {
    match (pk.split('#').next(), sk) {
        (Some("USER"), PROFILE) => "user",
        (Some("USER"), sk) if sk.starts_with(SESSION_PREFIX) => "session",
        (Some("EMAIL"), "CREDENTIAL") => "credential",
        (Some("EMAIL"), sk) if sk.starts_with(ONE_TIME_PREFIX) => "one_time",
        (Some("EMAIL"), sk) if sk.starts_with(REGISTRATION_PREFIX) => "registration",
        (Some("EMAIL"), sk) if sk.starts_with(DEVICE_PREFIX) => "device",
        (Some("ERASURE"), _) => "erasure",
        (Some("LIMIT"), _) => "limit",
        _ => "other",
    }
}

/// The first half of the SHA-256 of what the sweep leaves as it is. Sums of these are the same in any order.
fn checksum(item: &Item) -> Result<u128, StoreError> {
    let mut kept = item.clone();
    kept.retain(|name, _| !CHANGED.contains(&name.as_str()));
    // As a JSON value its members have an order.
    let kept = serde_json::to_value(serde_dynamo::Item::from(kept));
    let kept = kept.map_err(|_| StoreError::Incomplete("an item that is no JSON"))?;
    let digest = ring::digest::digest(&ring::digest::SHA256, kept.to_string().as_bytes());
    Ok(digest.as_ref().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
}

fn text<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    let text = item.get(name).and_then(|value| value.as_s().ok());
    text.map(String::as_str).ok_or(StoreError::Incomplete("an item without keys"))
}
