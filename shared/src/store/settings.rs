//! What operators have set while the service runs: one item, which `make set` writes.

use serde::Deserialize;

use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// The item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct StoredSettings {
    /// Grows with each change.
    pub version: u64,
    /// A JSON object: dotted keys and their values.
    pub settings: String,
}

impl Store {
    /// What operators have set, if they ever have. Every process that uses the table begins with this, which opens the
    /// connection.
    pub async fn settings(&self) -> Result<Option<StoredSettings>, StoreError> {
        self.read(&Key::settings()).await
    }

    /// Whether the table answers at all: the same item, whatever it says.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(Key::settings().attributes()));
        get.send().await.map(|_| ()).map_err(StoreError::from)
    }
}
