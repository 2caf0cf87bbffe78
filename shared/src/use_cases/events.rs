//! Passing on what changed in the table: orders for mails to their queue, events to the bus.
//!
//! Each change is passed on at least once. A repetition has the same ids, so that queue and listeners can tell.

use crate::domain::event::{Change, Event};
use crate::domain::mail_order::MailOrder;
use crate::outbound::{EventBus, MailQueue};
pub use crate::store::stream::{StreamBatch, StreamRecord};

/// What the services take in one call.
const AT_ONCE: usize = 10;

/// Passes the changes on, in order. `Err` is the first record that could not be: it and all after it have to come
/// again.
pub async fn publish_changes<'a>(
    queue: &dyn MailQueue,
    bus: &dyn EventBus,
    records: &'a [StreamRecord],
) -> Result<(), &'a StreamRecord> {
    for chunk in records.chunks(AT_ONCE) {
        let (mut orders, mut events, mut unreadable) = (Vec::new(), Vec::new(), None);
        for record in chunk {
            match record.change() {
                Ok(Change::MailOrder(order)) => orders.push(order),
                Ok(change) => events.extend(record.events(&change)),
                Err(cause) => {
                    tracing::error!(sequence_number = record.sequence_number(), %cause, "a change cannot be read");
                    unreadable = Some(record);
                    break;
                }
            }
        }
        let passed_on = futures::join!(put(queue, &orders), publish(bus, &events));
        if let (false, _) | (_, false) = passed_on {
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
