//! Messages of a queue, as Lambda hands them over.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{BatchAnswer, EventFunction};
use crate::app::App;

/// A batch.
#[derive(Debug, Deserialize)]
pub struct QueueBatch {
    /// The messages.
    #[serde(rename = "Records")]
    pub records: Vec<QueueMessage>,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueMessage {
    /// Names it where it failed.
    pub message_id: String,
    /// What was put into the queue.
    pub body: String,
}

impl<P> EventFunction<QueueBatch, P, BatchAnswer> {
    /// Hands orders over as a queue would, each by its id: for a host that is its own queue. The ids of those that have to
    /// come again, which are all of them where the function failed as a whole.
    pub async fn hand_over<O: Serialize>(
        &self,
        app: &App,
        parts: &P,
        orders: &[&O],
        id: fn(&O) -> &str,
    ) -> BTreeSet<String> {
        let message = |order: &&O| {
            let body = serde_json::to_string(order)?;
            Ok(QueueMessage { message_id: id(order).to_owned(), body })
        };
        let answer = match orders.iter().map(message).collect::<Result<_, serde_json::Error>>() {
            Ok(records) => (self.handler)(app, parts, QueueBatch { records }).await.map_err(|cause| cause.to_string()),
            Err(cause) => Err(cause.to_string()),
        };
        match answer {
            Ok(answer) => answer.batch_item_failures.into_iter().map(|failed| failed.item_identifier).collect(),
            Err(cause) => {
                tracing::error!(function = self.name, cause, "a batch failed as a whole");
                orders.iter().map(|order| id(order).to_owned()).collect()
            }
        }
    }
}
