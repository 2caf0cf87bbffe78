//! A laptop's event bus: its log, and the newest events for whoever wants to see them.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use wardgate::domain::event::Event;
use wardgate::outbound::{EventBus, OutboundError};

/// The most events that are kept.
const KEPT: usize = 10_000;

/// Keeps what is published.
#[derive(Debug, Default)]
pub struct Bus(Mutex<VecDeque<Event>>);

impl Bus {
    /// What was published, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl EventBus for Bus {
    fn publish<'a>(&'a self, events: &'a [Event]) -> BoxFuture<'a, Result<(), OutboundError>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for event in events {
            tracing::info!(event = event.kind.name(), id = event.detail.id, user_id = %event.detail.user_id, "event");
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(event.clone());
        }
        Box::pin(std::future::ready(Ok(())))
    }
}
