//! Messages of a queue, as Lambda hands them over.

use serde::Deserialize;

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
