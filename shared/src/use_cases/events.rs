//! Passing on what changed in the table: orders for mails to their queue, events to the bus, ended sessions to the edge and to
//! clients.
//!
//! Store requests: as [`crate::use_cases::oauth::logout_orders`].
//!
//! Each change is passed on at least once. A repetition has the same ids, so that queue and listeners can tell.

use crate::app::App;
use crate::domain::event::{Change, Event};
use crate::domain::mail_order::MailOrder;
use crate::domain::oauth::logout_order::LogoutOrder;
use crate::outbound::edge::{Delayed, EdgeMessage, EdgeQueue};
use crate::outbound::{EventBus, LogoutQueue, MailQueue};
pub use crate::store::stream::{StreamBatch, StreamRecord};
use crate::use_cases::oauth::logout_orders::logout_orders;

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
    /// Takes which clients to tell of ended sessions, if anybody tells them.
    pub logouts: Option<&'a dyn LogoutQueue>,
    /// How long an access token lives.
    pub access_seconds: u64,
}

/// Passes the changes on, in order. `Err` is the first record that could not be: it and all after it have to come
/// again.
pub async fn publish_changes<'a>(
    app: &App,
    outlets: Outlets<'_>,
    records: &'a [StreamRecord],
) -> Result<(), &'a StreamRecord> {
    for chunk in records.chunks(AT_ONCE) {
        let (mut orders, mut events, mut ended, mut unreadable) = (Vec::new(), Vec::new(), Vec::new(), None);
        let mut logouts = Vec::new();
        for record in chunk {
            match record.change() {
                Ok(Change::MailOrder(order)) => orders.push(order),
                Ok(change) => {
                    events.extend(record.events(&change));
                    ended.extend(record.deny_orders(&change, outlets.access_seconds));
                    if outlets.logouts.is_some() {
                        match logout_orders(app, record, &change).await {
                            Ok(orders) => logouts.extend(orders),
                            Err(cause) => {
                                tracing::error!(%cause, "whom to tell of ended sessions waits for another try");
                                return chunk.first().map_or(Ok(()), Err);
                            }
                        }
                    }
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
        let passed_on = futures::join!(
            put(outlets.queue, &orders),
            publish(outlets.bus, &events),
            tell(outlets.edge, &ended),
            notify(outlets.logouts, &logouts)
        );
        if passed_on != (true, true, true, true) {
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

async fn notify(logouts: Option<&dyn LogoutQueue>, orders: &[LogoutOrder]) -> bool {
    let Some(logouts) = logouts.filter(|_| !orders.is_empty()) else { return true };
    let put = logouts.put(orders).await;
    put.inspect_err(|cause| tracing::error!(%cause, "whom to tell of ended sessions waits for another try")).is_ok()
}
