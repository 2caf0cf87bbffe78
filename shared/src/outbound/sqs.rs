//! Orders for mails in an SQS queue, first in, first out: it drops what comes twice within five minutes, and gives out
//! one address's orders one at a time, so that two mailers never send the same mail ([decision
//! 18](../../../docs/decisions/0018-mails-from-items.md)).

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::future::BoxFuture;
use serde::Serialize;

use crate::aws::{Connection, builder};
use crate::config::{Config, ConfigError};
use crate::domain::mail_order::MailOrder;
use crate::domain::oauth::logout_order::LogoutOrder;
use crate::outbound::edge::{Delayed, EdgeQueue};
use crate::outbound::{LogoutQueue, MailQueue, OutboundError};

const SERVICE: &str = "SQS";
/// The most messages of one call.
const AT_ONCE: usize = 10;

/// The queue.
#[derive(Debug)]
pub struct SqsQueue {
    client: Client,
    url: String,
}

impl SqsQueue {
    /// The queue that the configuration names.
    pub fn new(config: &Config, connection: &Connection) -> Result<Self, ConfigError> {
        let url = config.mail.queue_url.clone().ok_or_else(|| ConfigError::missing("mail.queue_url"))?;
        let mut sdk = builder!(aws_sdk_sqs, connection, config.aws);
        sdk.set_endpoint_url(connection.endpoints.sqs.clone());
        Ok(Self { client: Client::from_conf(sdk.build()), url })
    }
}

impl MailQueue for SqsQueue {
    fn put<'a>(&'a self, orders: &'a [MailOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let mut batch = self.client.send_message_batch().queue_url(&self.url);
            for (index, order) in orders.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(serde_json::to_string(order).map_err(|_| unsendable())?)
                    .message_deduplication_id(&order.id)
                    .message_group_id(&order.pk)
                    .build();
                batch = batch.entries(entry.map_err(|_| unsendable())?);
            }
            let answer = batch.send().await.map_err(|error| OutboundError::of(SERVICE, &error))?;
            match answer.failed.first() {
                None => Ok(()),
                Some(failed) => Err(OutboundError::passing(SERVICE, failed.code.clone())),
            }
        })
    }
}

/// A queue in no order: whatever comes twice or late leaves the same as once and at once.
#[derive(Debug)]
pub struct SqsUnorderedQueue {
    client: Client,
    url: String,
}

impl SqsUnorderedQueue {
    /// The queue with this URL.
    pub fn new(url: String, config: &Config, connection: &Connection) -> Self {
        let mut sdk = builder!(aws_sdk_sqs, connection, config.aws);
        sdk.set_endpoint_url(connection.endpoints.sqs.clone());
        Self { client: Client::from_conf(sdk.build()), url }
    }

    async fn send<T: Serialize>(&self, messages: &[(&T, i32)]) -> Result<(), OutboundError> {
        for messages in messages.chunks(AT_ONCE) {
            let mut batch = self.client.send_message_batch().queue_url(&self.url);
            for (index, (message, delay_seconds)) in messages.iter().enumerate() {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(serde_json::to_string(message).map_err(|_| unsendable())?)
                    .delay_seconds(*delay_seconds)
                    .build();
                batch = batch.entries(entry.map_err(|_| unsendable())?);
            }
            let answer = batch.send().await.map_err(|error| OutboundError::of(SERVICE, &error))?;
            if let Some(failed) = answer.failed.first() {
                return Err(OutboundError::passing(SERVICE, failed.code.clone()));
            }
        }
        Ok(())
    }
}

impl EdgeQueue for SqsUnorderedQueue {
    fn put<'a>(&'a self, messages: &'a [Delayed]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let messages: Vec<_> = messages.iter().map(|it| (&it.message, it.delay_seconds)).collect();
            self.send(&messages).await
        })
    }
}

impl LogoutQueue for SqsUnorderedQueue {
    fn put<'a>(&'a self, orders: &'a [LogoutOrder]) -> BoxFuture<'a, Result<(), OutboundError>> {
        Box::pin(async move {
            let messages: Vec<_> = orders.iter().map(|order| (order, 0)).collect();
            self.send(&messages).await
        })
    }
}

fn unsendable() -> OutboundError {
    OutboundError::passing(SERVICE, "an order that is no message")
}
