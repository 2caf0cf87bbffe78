//! Reads the table's stream: puts orders for mails into their queue, and tells the event bus what happened.

use wardgate::app::{App, Needs};
use wardgate::config::{Config, ConfigError};
use wardgate::fault::Fault;
use wardgate::lambda::{BatchAnswer, EventFunction};
use wardgate::outbound::eventbridge::EventBridgeBus;
use wardgate::outbound::sqs::SqsQueue;
use wardgate::outbound::{EventBus, MailQueue};
use wardgate::use_cases::events::{StreamBatch, publish_changes};

/// What takes the stream's records.
pub const FUNCTION: EventFunction<StreamBatch, Parts, BatchAnswer> = EventFunction {
    name: "events",
    // The stream brings everything else: the table says which region's changes are passed on.
    needs: |_: &Config| -> Result<Needs, ConfigError> { Ok(Needs { rings: &[], table: true }) },
    parts: |config, connection| {
        Ok(Parts {
            queue: Box::new(SqsQueue::new(config, connection)?),
            bus: Box::new(EventBridgeBus::new(config, connection)?),
        })
    },
    handler: |app, parts, batch| Box::pin(handle(app, parts, batch)),
};

/// What it has beside the App.
pub struct Parts {
    /// Takes orders for mails.
    pub queue: Box<dyn MailQueue>,
    /// Takes events.
    pub bus: Box<dyn EventBus>,
}

async fn handle(app: &App, parts: &Parts, batch: StreamBatch) -> Result<BatchAnswer, Fault> {
    // Nothing of it is lost: the batch comes again, for as long as the stream keeps it.
    app.writes_now().await?;
    let failed = publish_changes(&*parts.queue, &*parts.bus, &batch.records).await.err();
    Ok(BatchAnswer::failed(failed.map(|record| record.sequence_number().to_owned())))
}
