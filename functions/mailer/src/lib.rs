//! Takes orders for mails from their queue and sends the mails.

use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::config::{Config, ConfigError};
use wardgate::domain::mail_order::MailOrder;
use wardgate::fault::Fault;
use wardgate::lambda::queue::{QueueBatch, QueueMessage};
use wardgate::lambda::{BatchAnswer, EventFunction};
use wardgate::outbound::MailTransport;
use wardgate::outbound::ses::SesTransport;
use wardgate::secrets::RingName;
use wardgate::use_cases::mailer::send_mail;

/// What takes the queue's messages.
pub const FUNCTION: EventFunction<QueueBatch, Parts, BatchAnswer> = EventFunction {
    name: "mailer",
    needs: |_: &Config| -> Result<Needs, ConfigError> { Ok(Needs { rings: &[RingName::MailMac], table: true }) },
    parts: |config, connection| Ok(Parts { transport: Box::new(SesTransport::new(config, connection)?) }),
    handler: |app, parts, batch| Box::pin(handle(app, parts, batch)),
};

/// What it has beside the App.
pub struct Parts {
    /// Carries mails.
    pub transport: Box<dyn MailTransport>,
}

/// One after another: they are of few addresses, and a mail is sent fast.
async fn handle(app: &App, parts: &Parts, batch: QueueBatch) -> Result<BatchAnswer, Fault> {
    let mut failed = Vec::new();
    for QueueMessage { message_id, body } in batch.records {
        let Ok(order) = serde_json::from_str::<MailOrder>(&body) else {
            tracing::error!(message_id, "a message is no order for a mail");
            failed.push(message_id);
            continue;
        };
        if let Err(cause) = send_mail(app, &*parts.transport, &order).await {
            tracing::error!(id = order.id, %cause, "a mail waits for another try");
            failed.push(message_id);
        }
    }
    Ok(BatchAnswer::failed(failed))
}
