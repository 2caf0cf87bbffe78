//! Takes orders to tell clients of ended sessions from their queue, and tells them. Of all functions it alone
//! asks URLs that clients have registered (OC-47).

use futures::future::join_all;
use wardgate::app::{App, Needs};
use wardgate::config::{Config, ConfigError};
use wardgate::domain::oauth::logout_order::LogoutOrder;
use wardgate::fault::Fault;
use wardgate::lambda::queue::{QueueBatch, QueueMessage};
use wardgate::lambda::{BatchAnswer, EventFunction};
use wardgate::outbound::backchannel::Backchannel;
use wardgate::secrets::RingName;
use wardgate::use_cases::logout_notifier::notify_logout;

/// What takes the queue's messages.
pub const FUNCTION: EventFunction<QueueBatch, Parts, BatchAnswer> = EventFunction {
    name: "logout-notifier",
    needs: |_: &Config| -> Result<Needs, ConfigError> { Ok(Needs { rings: &[RingName::Signing], table: true }) },
    parts: |config, _connection| Ok(Parts { backchannel: Backchannel::new(config)? }),
    handler: |app, parts, batch| Box::pin(handle(app, parts, batch)),
};

/// What it has beside the App.
pub struct Parts {
    /// Reaches clients.
    pub backchannel: Backchannel,
}

/// All at once: one that does not answer keeps nobody else waiting (OC-42).
async fn handle(app: &App, parts: &Parts, batch: QueueBatch) -> Result<BatchAnswer, Fault> {
    let tried = join_all(batch.records.into_iter().map(|message| carry_out(app, parts, message))).await;
    Ok(BatchAnswer::failed(tried.into_iter().flatten()))
}

/// Gives the message back where it has to come again.
async fn carry_out(app: &App, parts: &Parts, message: QueueMessage) -> Option<String> {
    let QueueMessage { message_id, body } = message;
    let Ok(order) = serde_json::from_str::<LogoutOrder>(&body) else {
        tracing::error!(message_id, "a message is no order to tell a client");
        return Some(message_id);
    };
    let told = notify_logout(app, &parts.backchannel, &order).await;
    let cause = told.err()?;
    tracing::warn!(id = order.id, client_id = order.client_id.as_str(), %cause, "a client waits to be told that a session has ended");
    Some(message_id)
}
