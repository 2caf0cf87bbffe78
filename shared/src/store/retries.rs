//! Orders that wait for another try, and those that nobody tries any more (SA-11): the standalone server's. On AWS they wait in
//! queues.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::domain::mail_order::MailOrder;
use crate::domain::oauth::logout_order::LogoutOrder;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::first_page;

/// How long one that is due lies in the table at the most, in seconds. What it is about is long over by then.
const RETRY_TTL: i64 = 2 * 24 * 3600;
/// How long one that failed stays, for whoever looks into it, in seconds.
const FAILED_TTL: i64 = 14 * 24 * 3600;

/// Something to be carried out.
pub trait Order: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// The partition of those that wait.
    const WAITING: &'static str;
    /// The partition key of those that nobody tries any more.
    const FAILED: &'static str;

    /// Names it.
    fn id(&self) -> &str;
}

impl Order for MailOrder {
    const WAITING: &'static str = "MAILRETRY";
    const FAILED: &'static str = "MAILFAILED";

    fn id(&self) -> &str {
        &self.id
    }
}

impl Order for LogoutOrder {
    const WAITING: &'static str = "LOGOUTRETRY";
    const FAILED: &'static str = "LOGOUTFAILED";

    fn id(&self) -> &str {
        &self.id
    }
}

/// An order that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry<O> {
    /// What to carry out.
    pub order: O,
    /// How often it has been tried.
    pub tries: u32,
    /// When it is tried again.
    pub due_at: Timestamp,
}

impl<O: Order> Retry<O> {
    fn key(&self) -> Key {
        Key::retry(O::WAITING, self.order.id(), self.due_at)
    }

    fn ttl(&self) -> i64 {
        self.due_at.unix_seconds() + RETRY_TTL
    }
}

impl Store {
    /// Has an order wait. One that waits for the same time already is the same.
    pub async fn add_retry<O: Order>(&self, retry: &Retry<O>) -> Result<(), StoreError> {
        self.put(&retry.key(), retry, Some(retry.ttl()))?.send(&self.client).await.map(drop)
    }

    /// The orders whose time has come, oldest first: a page.
    pub async fn due_retries<O: Order>(&self, limit: u16, now: Timestamp) -> Result<Vec<Retry<O>>, StoreError> {
        let end = Key::retries_after(O::WAITING, now);
        let query = self
            .partition(&end)
            .key_condition_expression("pk = :pk AND sk < :end")
            .expression_attribute_values(":end", end.sk())
            .limit(i32::from(limit));
        first_page(query).await
    }

    /// How many orders wait, counted up to a page's end.
    pub async fn count_retries<O: Order>(&self) -> Result<usize, StoreError> {
        let waiting = self.partition(&Key::retries_after(O::WAITING, Timestamp::from_millis(0)));
        let counted = waiting.select(aws_sdk_dynamodb::types::Select::Count).send().await?.count;
        Ok(usize::try_from(counted).unwrap_or_default())
    }

    /// Has an order wait on, for a later time. Refused where somebody else has dealt with it.
    pub async fn postpone_retry<O: Order>(&self, before: &Retry<O>, after: &Retry<O>) -> Result<(), StoreError> {
        let gone = self.delete(&before.key()).given("attribute_exists(pk)");
        let waits = self.put(&after.key(), after, Some(after.ttl()))?;
        self.transact_parts([gone.into(), waits.into()]).await.map(drop)
    }

    /// Gives an order up.
    pub async fn give_retry_up<O: Order>(&self, retry: &Retry<O>, now: Timestamp) -> Result<(), StoreError> {
        let gone = self.delete(&retry.key()).given("attribute_exists(pk)");
        let key = Key::failed(O::FAILED, retry.order.id());
        let failed = self.put(&key, retry, Some(now.unix_seconds() + FAILED_TTL))?;
        self.transact_parts([gone.into(), failed.into()]).await.map(drop)
    }

    /// Forgets an order that was carried out.
    pub async fn drop_retry<O: Order>(&self, retry: &Retry<O>) -> Result<(), StoreError> {
        self.delete(&retry.key()).send(&self.client).await.map(drop)
    }
}
