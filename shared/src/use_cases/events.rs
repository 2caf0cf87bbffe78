//! Passing on what changed in the table: orders for mails to their queue, events to the bus.
//!
//! Each change is passed on at least once. A repetition has the same ids, so that queue and listeners can tell.

use crate::domain::event::{Change, Event};
use crate::domain::mail_order::MailOrder;
use crate::outbound::edge::{Delayed, EdgeMessage, EdgeQueue};
use crate::outbound::{EventBus, MailQueue};
pub use crate::store::stream::{StreamBatch, StreamRecord};

/// What the services take in one call.
const AT_ONCE: usize = 10;

/// Where changes lead.
#[derive(Clone, Copy)]
pub struct Outlets<'a> {
    /// Takes orders for mails.
    pub queue: &'a dyn MailQueue,
    /// Takes events.
    pub bus: &'a dyn EventBus,
    /// Takes what the edge has to refuse, if there is one.
    pub edge: Option<&'a dyn EdgeQueue>,
    /// How long an access token lives.
    pub access_seconds: u64,
}

/// Passes the changes on, in order. `Err` is the first record that could not be: it and all after it have to come
/// again.
pub async fn publish_changes<'a>(outlets: Outlets<'_>, records: &'a [StreamRecord]) -> Result<(), &'a StreamRecord> {
    for chunk in records.chunks(AT_ONCE) {
        let (mut orders, mut events, mut ended, mut unreadable) = (Vec::new(), Vec::new(), Vec::new(), None);
        for record in chunk {
            match record.change() {
                Ok(Change::MailOrder(order)) => orders.push(order),
                Ok(change) => {
                    events.extend(record.events(&change));
                    ended.extend(record.deny_orders(&change, outlets.access_seconds));
                }
                Err(cause) => {
                    tracing::error!(sequence_number = record.sequence_number(), %cause, "a change cannot be read");
                    unreadable = Some(record);
                    break;
                }
            }
        }
        let ended = ended.into_iter().map(|order| Delayed { message: EdgeMessage::Put(order), delay_seconds: 0 });
        let ended: Vec<_> = ended.collect();
        let passed_on =
            futures::join!(put(outlets.queue, &orders), publish(outlets.bus, &events), tell(outlets.edge, &ended));
        if passed_on != (true, true, true) {
            return chunk.first().map_or(Ok(()), Err);
        }
        // What came before it has gone out: it alone is tried again and, in the end, set aside.
        if let Some(record) = unreadable {
            return Err(record);
        }
    }
    Ok(())
}

async fn put(queue: &dyn MailQueue, orders: &[MailOrder]) -> bool {
    if orders.is_empty() {
        return true;
    }
    let put = queue.put(orders).await;
    put.inspect_err(|cause| tracing::error!(%cause, "orders for mails wait for another try")).is_ok()
}

async fn publish(bus: &dyn EventBus, events: &[Event]) -> bool {
    let mut published = true;
    // One change may have several events.
    for events in events.chunks(AT_ONCE) {
        let sent = bus.publish(events).await;
        published &= sent.inspect_err(|cause| tracing::error!(%cause, "events wait for another try")).is_ok();
    }
    published
}

async fn tell(edge: Option<&dyn EdgeQueue>, ended: &[Delayed]) -> bool {
    let Some(edge) = edge.filter(|_| !ended.is_empty()) else { return true };
    let put = edge.put(ended).await;
    put.inspect_err(|cause| tracing::error!(%cause, "what the edge has to refuse waits for another try")).is_ok()
}
