//! Everything that lies beside the credential of an address.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::address_items::AddressItems;
use crate::domain::email::EmailKey;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::{DEVICE_PREFIX, Key, ONE_TIME_PREFIX, REGISTRATION_PREFIX};

impl Store {
    /// Reads an address's items, strongly consistent: no fewer than `most` of them if there are so many, and whole pages.
    pub async fn address_items(&self, email: &EmailKey, most: usize) -> Result<AddressItems, StoreError> {
        let mut found = AddressItems::default();
        let (mut start, mut count) = (None, 0);
        while count < most {
            let output = self
                .client
                .query()
                .table_name(&self.table)
                .key_condition_expression("pk = :pk")
                .expression_attribute_values(":pk", Key::credential(email).pk())
                .consistent_read(true)
                .set_exclusive_start_key(start)
                .send()
                .await?;
            for item in output.items.unwrap_or_default() {
                sort(item, &mut found)?;
                count += 1;
            }
            start = output.last_evaluated_key;
            if start.is_none() {
                found.complete = true;
                break;
            }
        }
        Ok(found)
    }
}

fn sort(item: HashMap<String, AttributeValue>, found: &mut AddressItems) -> Result<(), StoreError> {
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
