//! A table's stream, record by record, as Lambda hands it over. What a record means is in [`crate::store::changes`] for
//! the table, and in [`crate::store::audit_changes`] for the audit table.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_dynamo::{AttributeValue, Item};

use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::keys::LEASE_PREFIX;

/// Some records of a stream, in order.
#[derive(Debug, Deserialize)]
pub struct StreamBatch {
    /// The records.
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

/// One change of one item.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamRecord {
    #[serde(rename = "eventID")]
    pub(super) event_id: String,
    pub(super) event_name: EventName,
    pub(super) user_identity: Option<UserIdentity>,
    pub(super) dynamodb: Images,
}

/// What happened to the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EventName {
    Insert,
    Modify,
    Remove,
}

/// Who deleted an item, if it was AWS.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserIdentity {
    pub(super) principal_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Images {
    pub(super) keys: Item,
    pub(super) old_image: Option<Item>,
    pub(super) new_image: Option<Item>,
    pub(super) sequence_number: String,
    /// Seconds.
    pub(super) approximate_creation_date_time: f64,
}

impl StreamRecord {
    /// Names the change, the same in each delivery of it.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// Where in the stream it stands.
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// When the change was made, to the millisecond at best.
    pub fn at(&self) -> Timestamp {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float of seconds is exact for milliseconds of our times"
        )]
        Timestamp::from_millis((self.dynamodb.approximate_creation_date_time * 1000.0) as i64)
    }

    /// Whether it is a change of a lease, which whoever reads the stream brings about itself.
    pub fn is_of_a_lease(&self) -> bool {
        self.keys().is_ok_and(|(pk, _)| pk.starts_with(LEASE_PREFIX))
    }

    /// Whether the table itself deleted the item, by its time to live.
    pub(super) fn is_by_the_table(&self) -> bool {
        let service = self.user_identity.as_ref().and_then(|identity| identity.principal_id.as_deref());
        service == Some("dynamodb.amazonaws.com")
    }

    /// The item's partition key and sort key.
    pub(super) fn keys(&self) -> Result<(&str, &str), StoreError> {
        Ok((self.key("pk")?, self.key("sk")?))
    }

    fn key(&self, name: &str) -> Result<&str, StoreError> {
        match self.dynamodb.keys.get(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => Err(StoreError::Incomplete("a stream record without keys")),
        }
    }

    /// The item before.
    pub(super) fn old_image(&self) -> Option<&Item> {
        self.dynamodb.old_image.as_ref()
    }

    /// The item after.
    pub(super) fn new_image(&self) -> Option<&Item> {
        self.dynamodb.new_image.as_ref()
    }

    /// The item before and after, read.
    pub(super) fn images<T: DeserializeOwned>(&self) -> Result<[Option<Box<T>>; 2], StoreError> {
        let read = |item: Option<&Item>| item.cloned().map(serde_dynamo::from_item).transpose();
        Ok([read(self.old_image())?.map(Box::new), read(self.new_image())?.map(Box::new)])
    }
}
