//! Events that wait for another try (SA-12): the standalone server's, in the order in which they happened to a user. On AWS
//! the bus takes them.

use serde::{Deserialize, Serialize};

use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::first_page;

/// How long one lies in the table at the most, in seconds.
const RETRY_TTL: i64 = 7 * 24 * 3600;
/// How long one that failed stays, for whoever looks into it, in seconds.
const FAILED_TTL: i64 = 14 * 24 * 3600;

/// An event that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRetry {
    /// The event's id.
    pub id: String,
    /// To whom it happened.
    pub user_id: String,
    /// Its place among the user's own: they sort as they happened.
    pub place: String,
    /// What is told.
    pub message: String,
    /// How often it has been tried.
    pub tries: u32,
    /// When it is tried again.
    pub due_at: Timestamp,
}

impl EventRetry {
    fn key(&self) -> Key {
        Key::event_retry(&self.user_id, &self.place)
    }
}

impl Store {
    /// Has an event wait, or wait on for another time.
    pub async fn put_event_retry(&self, retry: &EventRetry, now: Timestamp) -> Result<(), StoreError> {
        self.put(&retry.key(), retry, Some(now.unix_seconds() + RETRY_TTL))?.send(&self.client).await.map(drop)
    }

    /// Whether events of a user wait.
    pub async fn has_event_retries(&self, user_id: &str) -> Result<bool, StoreError> {
        let first: Vec<EventRetry> =
            first_page(self.beginning_with(&Key::event_retries(&format!("{user_id}#"))).limit(1)).await?;
        Ok(!first.is_empty())
    }

    /// The events that wait after those of this user, by user and as they happened: a page.
    pub async fn event_retries(&self, after: &str, limit: u16) -> Result<Vec<EventRetry>, StoreError> {
        // `$` comes after the `#` behind a user.
        let from = Key::event_retries(&format!("{after}$"));
        let query = self
            .partition(&from)
            .key_condition_expression("pk = :pk AND sk > :after")
            .expression_attribute_values(":after", from.sk())
            .limit(i32::from(limit));
        first_page(query).await
    }

    /// Gives an event up.
    pub async fn give_event_up(&self, retry: &EventRetry, now: Timestamp) -> Result<(), StoreError> {
        let gone = self.delete(&retry.key()).given("attribute_exists(pk)");
        let failed = self.put(&Key::event_failed(&retry.id), retry, Some(now.unix_seconds() + FAILED_TTL))?;
        self.transact_parts([gone.into(), failed.into()]).await.map(drop)
    }

    /// Forgets an event that was taken.
    pub async fn drop_event_retry(&self, retry: &EventRetry) -> Result<(), StoreError> {
        self.delete(&retry.key()).send(&self.client).await.map(drop)
    }
}
