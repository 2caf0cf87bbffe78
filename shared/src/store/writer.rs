//! Which of a stage's two regions writes: one item, which `make failover` writes in the region that takes over.

use serde::Deserialize;

use crate::domain::timestamp::Timestamp;
use crate::domain::writer::{Window, Writer};
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// The item. Times are milliseconds since 1970.
#[derive(Deserialize)]
struct Item {
    region: String,
    epoch: u64,
    since: Timestamp,
    windows: Vec<Window>,
}

impl Store {
    /// The region that writes, strongly consistent in this one; `None` where a stage never had another.
    pub async fn writer(&self) -> Result<Option<Writer>, StoreError> {
        let item: Option<Item> = self.read(&Key::writer()).await?;
        Ok(item.map(|Item { region, epoch, since, windows }| Writer { region, epoch, since, windows }))
    }
}
