//! Keeps the deny list of the edge: takes what has ended from one queue, what is past from another, and once a week looks
//! for what was left.

use serde::Deserialize;
use wardgate::app::{App, Needs};
use wardgate::clock::{Pause, SystemClock};
use wardgate::config::{Config, ConfigError};
use wardgate::domain::deny_list::DenyOrder;
use wardgate::fault::Fault;
use wardgate::lambda::queue::{QueueBatch, QueueMessage};
use wardgate::lambda::{BatchAnswer, EventFunction};
use wardgate::outbound::OutboundError;
use wardgate::outbound::edge::{DenyStore, DenyStoreError, EdgeMessage, EdgeQueue};
use wardgate::outbound::key_value_store::KeyValueStore;
use wardgate::outbound::sqs::SqsUnorderedQueue;
use wardgate::use_cases::edge_sync::{EdgeSync, LastSeen};

/// What takes the queues' messages.
pub const FUNCTION: EventFunction<Event, Parts, BatchAnswer> = EventFunction {
    name: "edge-sync",
    // The messages bring everything that it needs.
    needs: |_: &Config| -> Result<Needs, ConfigError> { Ok(Needs { rings: &[], table: false }) },
    parts: |config, connection| {
        let drops = config.edge.drops_url.clone().ok_or_else(|| ConfigError::missing("edge.drops_url"))?;
        Ok(Parts {
            store: Box::new(KeyValueStore::new(config, connection)?),
            drops: Box::new(SqsUnorderedQueue::new(drops, config, connection)),
            pause: Box::new(SystemClock),
            seen: LastSeen::default(),
        })
    },
    handler: |app, parts, event| Box::pin(handle(app, parts, event)),
};

/// What it has beside the App.
pub struct Parts {
    /// The list.
    pub store: Box<dyn DenyStore>,
    /// Where entries wait until they are past.
    pub drops: Box<dyn EdgeQueue>,
    /// Lets time pass after a conflict.
    pub pause: Box<dyn Pause>,
    /// How this process left the list.
    pub seen: LastSeen,
}

/// A batch of a queue, or the schedule's `{"sweep": true}`.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Event {
    /// Of either queue.
    Batch(QueueBatch),
    /// Of the schedule.
    Sweep {
        /// Whether to look for what was left.
        sweep: bool,
    },
}

async fn handle(app: &App, parts: &Parts, event: Event) -> Result<BatchAnswer, Fault> {
    let sync = EdgeSync {
        clock: &*app.clock,
        pause: &*parts.pause,
        entropy: &*app.entropy,
        store: &*parts.store,
        drops: &*parts.drops,
        seen: &parts.seen,
    };
    match event {
        Event::Batch(QueueBatch { records }) => Ok(batch(&sync, records).await),
        Event::Sweep { sweep: false } => Ok(BatchAnswer::default()),
        Event::Sweep { sweep: true } => {
            let entries = sync.sweep().await.map_err(fault)?;
            tracing::info!(entries, "the deny list was swept");
            Ok(BatchAnswer::default())
        }
    }
}

fn fault(cause: DenyStoreError) -> Fault {
    Fault::Outbound(match cause {
        DenyStoreError::Failed(cause) => cause,
        other => OutboundError::passing("the edge's store", other.to_string()),
    })
}

async fn batch(sync: &EdgeSync<'_>, messages: Vec<QueueMessage>) -> BatchAnswer {
    let (mut puts, mut drops, mut failed) = (Orders::default(), Orders::default(), Vec::new());
    for QueueMessage { message_id, body } in messages {
        match serde_json::from_str(&body) {
            Ok(EdgeMessage::Put(order)) => puts.push(message_id, order),
            Ok(EdgeMessage::Drop(order)) => drops.push(message_id, order),
            Err(_) => {
                tracing::error!(message_id, "a message is no order for the edge");
                failed.push(message_id);
            }
        }
    }
    // What has ended first: somebody waits for it.
    let places = sync.put(&puts.orders).await;
    failed.extend(puts.messages(places));
    let places = sync.drop(&drops.orders).await;
    failed.extend(drops.messages(places));
    BatchAnswer::failed(failed)
}

/// Orders, and the messages that they came in.
#[derive(Default)]
struct Orders {
    ids: Vec<String>,
    orders: Vec<DenyOrder>,
}

impl Orders {
    fn push(&mut self, id: String, order: DenyOrder) {
        self.ids.push(id);
        self.orders.push(order);
    }

    fn messages(&self, places: Vec<usize>) -> impl Iterator<Item = String> {
        places.into_iter().filter_map(|place| self.ids.get(place).cloned())
    }
}
