//! The table's stream: what changed, record by record, as Lambda hands it over.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_dynamo::{AttributeValue, Item};

use crate::domain::event::{Change, Event};
use crate::domain::mail_order::MailOrder;
use crate::domain::timestamp::Timestamp;
use crate::store::error::StoreError;
use crate::store::keys::{SESSION_PREFIX, is_mailed};

/// One change of one item.
#[derive(Debug, Clone, Deserialize)]
pub struct StreamRecord {
    /// Names the change, the same in each delivery of it.
    #[serde(rename = "eventID")]
    event_id: String,
    dynamodb: Images,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    keys: Item,
    old_image: Option<Item>,
    new_image: Option<Item>,
    sequence_number: String,
    /// Seconds.
    #[serde(default)]
    approximate_creation_date_time: f64,
}

/// What an order needs to know of an item.
#[derive(Deserialize)]
struct Mailed {
    id: String,
    mac_kid: Option<String>,
}

impl StreamRecord {
    /// Where in the stream it stands.
    pub fn sequence_number(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// What it tells.
    pub fn events(&self, change: &Change) -> Vec<Event> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a float of seconds is exact for milliseconds of our times"
        )]
        let at = Timestamp::from_millis((self.dynamodb.approximate_creation_date_time * 1000.0) as i64);
        change.events(&self.event_id, at)
    }

    /// What changed.
    pub fn change(&self) -> Result<Change, StoreError> {
        let Images { keys, old_image, new_image, .. } = &self.dynamodb;
        let (old, new) = (old_image.as_ref(), new_image.as_ref());
        let (pk, sk) = (text(keys, "pk")?, text(keys, "sk")?);
        if pk.starts_with("USER#") && sk == "PROFILE" {
            return Ok(Change::Profile { old: image(old)?, new: image(new)? });
        }
        if pk.starts_with("USER#") && sk.starts_with(SESSION_PREFIX) {
            return Ok(Change::Session { old: image(old)?, new: image(new)? });
        }
        if pk.starts_with("EMAIL#") && sk == "CREDENTIAL" {
            return Ok(match (image(old)?, image(new)?) {
                (Some(old), Some(new)) => Change::Credential { old, new },
                _ => Change::Other,
            });
        }
        if pk.starts_with("EMAIL#") && is_mailed(sk) {
            return order(pk, sk, image(old)?, image(new)?);
        }
        Ok(Change::Other)
    }
}

/// An item without a key of the mail ring has not been mailed. A change of one that was there before is no new order,
/// unless it is another item in the same place.
#[expect(clippy::unnecessary_wraps, reason = "as the images of the other kinds")]
fn order(pk: &str, sk: &str, old: Option<Box<Mailed>>, new: Option<Box<Mailed>>) -> Result<Change, StoreError> {
    let Some(new) = new.filter(|new| new.mac_kid.is_none()) else { return Ok(Change::Other) };
    if old.is_some_and(|old| old.id == new.id) {
        return Ok(Change::Other);
    }
    Ok(Change::MailOrder(MailOrder { pk: pk.to_owned(), sk: sk.to_owned(), id: new.id }))
}

fn text<'a>(keys: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    match keys.inner().get(name) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(StoreError::Incomplete("a stream record without keys")),
    }
}

fn image<T: DeserializeOwned>(image: Option<&Item>) -> Result<Option<Box<T>>, StoreError> {
    Ok(image.cloned().map(serde_dynamo::from_item).transpose()?.map(Box::new))
}
