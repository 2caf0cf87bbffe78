//! Everything that lies beside the credential of an address.

use crate::domain::address_items::AddressItems;
use crate::domain::email::EmailKey;
use crate::store::Store;
use crate::store::attributes::Item;
use crate::store::error::StoreError;
use crate::store::keys::{DEVICE_PREFIX, Key, ONE_TIME_PREFIX, REGISTRATION_PREFIX};
use crate::store::read::Pages;

impl Store {
    /// Reads an address's items, strongly consistent: no fewer than `most` of them if there are so many, and whole pages.
    pub async fn address_items(&self, email: &EmailKey, most: usize) -> Result<AddressItems, StoreError> {
        let mut found = AddressItems::default();
        let mut count = 0;
        let mut pages = Pages::of(self.partition(&Key::credential(email)));
        while let Some(page) = pages.next().await? {
            if count >= most {
                return Ok(found);
            }
            count += page.len();
            page.into_iter().try_for_each(|item| sort(item, &mut found))?;
        }
        found.complete = true;
        Ok(found)
    }
}

fn sort(item: Item, found: &mut AddressItems) -> Result<(), StoreError> {
    let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).map_or("", String::as_str);
    if sk.starts_with(ONE_TIME_PREFIX) {
        found.one_times.push(serde_dynamo::from_item(item)?);
    } else if sk.starts_with(REGISTRATION_PREFIX) {
        found.registrations.push(serde_dynamo::from_item(item)?);
    } else if sk.starts_with(DEVICE_PREFIX) {
        found.devices.push(serde_dynamo::from_item(item)?);
    } else {
        found.credential = Some(serde_dynamo::from_item(item)?);
    }
    Ok(())
}
