//! Reads the table's stream: puts orders for mails into their queue, tells the event bus what happened, and the edge what
//! has ended; says which clients are to be told of it.

use wardgate::app::{App, Needs};
use wardgate::config::{Config, ConfigError};
use wardgate::fault::Fault;
use wardgate::lambda::{BatchAnswer, EventFunction};
use wardgate::outbound::edge::EdgeQueue;
use wardgate::outbound::eventbridge::EventBridgeBus;
use wardgate::outbound::sqs::{SqsQueue, SqsUnorderedQueue};
use wardgate::outbound::{EventBus, LogoutQueue, MailQueue};
use wardgate::use_cases::events::{Outlets, StreamBatch, publish_changes};

/// What takes the stream's records.
pub const FUNCTION: EventFunction<StreamBatch, Parts, BatchAnswer> = EventFunction {
    name: "events",
    // The stream brings everything that it needs but which region's changes are passed on, which the table says, for the edge how
    // long operators let access tokens live, and which sessions a person had who has ended all of them.
    needs: |_: &Config| -> Result<Needs, ConfigError> { Ok(Needs { rings: &[], table: true }) },
    parts: |config, connection| {
        Ok(Parts {
            queue: Box::new(SqsQueue::new(config, connection)?),
            bus: Box::new(EventBridgeBus::new(config, connection)?),
            edge: config
                .edge
                .orders_url
                .clone()
                .map(|url| -> Box<dyn EdgeQueue> { Box::new(SqsUnorderedQueue::new(url, config, connection)) }),
            logouts: config
                .backchannel_logout
                .queue_url
                .clone()
                .map(|url| -> Box<dyn LogoutQueue> { Box::new(SqsUnorderedQueue::new(url, config, connection)) }),
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
    /// Takes what the edge has to refuse, if there is one.
    pub edge: Option<Box<dyn EdgeQueue>>,
    /// Takes which clients to tell of ended sessions, if anybody tells them.
    pub logouts: Option<Box<dyn LogoutQueue>>,
}

async fn handle(app: &App, parts: &Parts, batch: StreamBatch) -> Result<BatchAnswer, Fault> {
    // Nothing of it is lost: the batch comes again, for as long as the stream keeps it.
    app.writes_now().await?;
    let outlets = Outlets {
        queue: &*parts.queue,
        bus: &*parts.bus,
        edge: parts.edge.as_deref(),
        logouts: parts.logouts.as_deref(),
        access_seconds: app.config.tokens.access_seconds,
    };
    let failed = publish_changes(app, outlets, &batch.records).await.err();
    Ok(BatchAnswer::failed(failed.map(|record| record.sequence_number().to_owned())))
}
