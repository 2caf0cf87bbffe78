//! What lies in a restored table, as far as a restore cares: for counting, for a checksum, and for the sweep.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::domain::id::UserId;
use crate::domain::oauth::consent::GivenConsent;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::registration::Registration;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{Item, string};
use crate::store::error::StoreError;
use crate::store::keys::{
    CONSENT_PREFIX, DEVICE_PREFIX, FACTOR_PREFIX, GRANT_PREFIX, Key, ONE_TIME_PREFIX, PROFILE, REGISTRATION_PREFIX,
    SESSION_PREFIX,
};

/// What the sweep changes: left out of an item's checksum, so that it is the same before and after.
const CHANGED: [&str; 9] = [
    "status",
    "cred_version",
    "sessions_not_before",
    "kept_sid",
    "erase_at",
    "version",
    "password",
    "used_at",
    "factors",
];

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
    /// What a person has let a client have.
    Consent(Box<GivenConsent>),
    /// Dead or harmless as it is.
    Other,
}

/// Something that a mailed token or code uses up.
#[derive(Debug)]
pub struct Mailed {
    pub(super) key: Key,
    /// Whose it is, where it gives a right that cannot be asked for again: to undo a change of address, to keep an
    /// account, to take a first second factor away.
    pub right_of: Option<UserId>,
    /// Whether its token still works.
    pub is_live: bool,
}

impl Store {
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
}

impl RestoredItem {
    fn read(item: Item, now: Timestamp) -> Result<Self, StoreError> {
        let (pk, sk) = (text(&item, "pk")?.to_owned(), text(&item, "sk")?.to_owned());
        let kind = kind(&pk, &sk);
        let checksum = checksum(&item)?;
        let content = match kind {
            "user" => Content::User(serde_dynamo::from_item(item)?),
            "consent" => Content::Consent(serde_dynamo::from_item(item)?),
            "one_time" => {
                let one_time: OneTime = serde_dynamo::from_item(item)?;
                let is_right =
                    matches!(one_time.purpose, Purpose::EmailUndo | Purpose::KeepAccount | Purpose::FactorUndo);
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
        (Some("USER"), sk) if sk.starts_with(GRANT_PREFIX) => "grant",
        (Some("USER"), sk) if sk.starts_with(CONSENT_PREFIX) => "consent",
        (Some("USER"), sk) if sk.starts_with(FACTOR_PREFIX) => "factor",
        (Some("EMAIL"), "CREDENTIAL") => "credential",
        (Some("EMAIL"), sk) if sk.starts_with(ONE_TIME_PREFIX) => "one_time",
        (Some("EMAIL"), sk) if sk.starts_with(REGISTRATION_PREFIX) => "registration",
        (Some("EMAIL"), sk) if sk.starts_with(DEVICE_PREFIX) => "device",
        (Some("PASSKEY"), _) => "passkey_owner",
        (Some("ERASURE"), _) => "erasure",
        (Some("LIMIT"), _) => "limit",
        _ => "other",
    }
}

/// The first half of the SHA-256 of what the sweep leaves as it is. Sums of these are the same in any order.
fn checksum(item: &Item) -> Result<u128, StoreError> {
    let mut kept = item.clone();
    kept.retain(|name, _| !CHANGED.contains(&name.as_str()));
    for value in kept.values_mut() {
        // A set is handed out in any order.
        if let AttributeValue::Ss(set) = value {
            set.sort_unstable();
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_the_same_checksum_in_any_order() {
        let of = |clients: [&str; 2]| {
            let set = AttributeValue::Ss(clients.map(str::to_owned).to_vec());
            checksum(&Item::from([("told_clients".to_owned(), set)])).unwrap()
        };
        assert_eq!(of(["shop", "page"]), of(["page", "shop"]));
        assert_ne!(of(["shop", "page"]), of(["shop", "cli"]));
    }
}
