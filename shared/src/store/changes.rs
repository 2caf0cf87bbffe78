//! What a change in the table means for whoever listens: for orders of mails, for events, and for the
//! deny list of the edge.

use serde::Deserialize;

use crate::domain::deny_list::{self, DenyOrder};
use crate::domain::event::{Change, Event};
use crate::domain::mail_order::MailOrder;
use crate::store::error::StoreError;
use crate::store::keys::{SESSION_PREFIX, is_mailed};
use crate::store::stream::StreamRecord;

/// What an order needs to know of an item.
#[derive(Deserialize)]
struct Mailed {
    id: String,
    mac_kid: Option<String>,
}

impl StreamRecord {
    /// What it tells.
    pub fn events(&self, change: &Change) -> Vec<Event> {
        change.events(self.event_id(), self.at())
    }

    /// What it tells the deny list of the edge, while access tokens live for so long.
    pub fn deny_orders(&self, change: &Change, access_seconds: u64) -> Vec<DenyOrder> {
        deny_list::orders(change, self.at(), self.is_by_the_table(), access_seconds)
    }

    /// What changed.
    pub fn change(&self) -> Result<Change, StoreError> {
        let (pk, sk) = self.keys()?;
        if pk.starts_with("USER#") && sk == "PROFILE" {
            let [old, new] = self.images()?;
            return Ok(Change::Profile { old, new });
        }
        if pk.starts_with("USER#") && sk.starts_with(SESSION_PREFIX) {
            let [old, new] = self.images()?;
            return Ok(Change::Session { old, new });
        }
        if pk.starts_with("EMAIL#") && sk == "CREDENTIAL" {
            return Ok(match self.images()? {
                [Some(old), Some(new)] => Change::Credential { old, new },
                _ => Change::Other,
            });
        }
        if pk.starts_with("EMAIL#") && is_mailed(sk) {
            return Ok(order(pk, sk, self.images()?).map_or(Change::Other, Change::MailOrder));
        }
        Ok(Change::Other)
    }
}

/// An item without a key of the mail ring has not been mailed. A change of one that was there before is no new order,
/// unless it is another item in the same place.
fn order(pk: &str, sk: &str, [old, new]: [Option<Box<Mailed>>; 2]) -> Option<MailOrder> {
    let new = new.filter(|new| new.mac_kid.is_none())?;
    let was_there = old.is_some_and(|old| old.id == new.id);
    (!was_there).then(|| MailOrder { pk: pk.to_owned(), sk: sk.to_owned(), id: new.id })
}
