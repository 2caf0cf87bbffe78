//! Keeping the deny list of the edge: putting what has ended, and taking out what is past (docs/edge.md).
//!
//! Two of them may run at once: each change names the state of the store that it was made to, and is made again where
//! that was not the present one any more. Whatever is done twice leaves the same list.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Pause};
use crate::domain::deny_list::{DenyOrder, fold, is_spent};
use crate::entropy::Entropy;
use crate::outbound::OutboundError;
use crate::outbound::edge::{
    CALL_BYTES, Changes, Delayed, DenyStore, DenyStoreError, EdgeMessage, EdgeQueue, KEYS, VALUE_BYTES,
};
use crate::telemetry::metrics;

/// How often a change is made again that met another one.
const TRIES: usize = 6;
/// The longest that a message can be delayed, in seconds.
const LONGEST_DELAY: i64 = 900;

/// What it takes.
pub struct EdgeSync<'a> {
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Lets it pass after a conflict.
    pub pause: &'a dyn Pause,
    /// Draws how much of it, so that two that met do not meet again.
    pub entropy: &'a dyn Entropy,
    /// The list.
    pub store: &'a dyn DenyStore,
    /// What is to be taken out of it.
    pub drops: &'a dyn EdgeQueue,
    /// How this process left it.
    pub seen: &'a LastSeen,
}

/// The state of the list after this process's last change of it: asking for the present one is a call more. Where somebody
/// else has changed it since, the next change is a conflict.
#[derive(Debug, Default)]
pub struct LastSeen(Mutex<Option<String>>);

impl LastSeen {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, etag: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(etag);
    }
}

/// Which changes a call makes, given what the list has.
enum Work<'a> {
    Put(&'a [DenyOrder]),
    Drop { orders: &'a [DenyOrder], only_present: bool },
}

impl EdgeSync<'_> {
    /// Puts the orders into the list. Returns which could not be, by their place: they have to come again.
    pub async fn put(&self, orders: &[DenyOrder]) -> Vec<usize> {
        let folded = fold(orders, self.clock.now());
        if folded.by_user {
            metrics::edge_folded();
        }
        let mut failed = Vec::new();
        for chunk in folded.entries.chunks(KEYS) {
            let (entries, places): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
            let done = match self.change(&Work::Put(&entries)).await {
                // Without it, an entry would stay until the weekly sweep: then the orders come again.
                Ok(put) => self.order_drops(put).await,
                Err(cause) => Err(cause),
            };
            if let Err(cause) = done {
                tracing::error!(%cause, keys = entries.len(), "orders for the edge wait for another try");
                failed.extend(places.into_iter().flatten());
            }
        }
        failed
    }

    /// Takes entries out whose time is over, and lets the others wait on. Returns which orders could not be carried out,
    /// by their place.
    pub async fn drop(&self, orders: &[DenyOrder]) -> Vec<usize> {
        let now = self.clock.now();
        let (due, early): (Vec<_>, Vec<_>) = orders.iter().cloned().enumerate().partition(|(_, it)| it.is_past(now));
        let mut failed = Vec::new();
        let (places, waiting): (Vec<_>, Vec<_>) = early.into_iter().unzip();
        if let Err(cause) = self.order_drops(waiting).await {
            tracing::error!(%cause, "what the edge is to forget waits for another try");
            failed.extend(places);
        }
        // Twice in one call, a key would be refused the second time.
        let mut seen = BTreeSet::new();
        let due: Vec<_> = due.into_iter().filter(|(_, it)| seen.insert((it.key.clone(), it.value.clone()))).collect();
        for chunk in due.chunks(KEYS) {
            let (places, orders): (Vec<_>, Vec<_>) = chunk.iter().cloned().unzip();
            if let Err(cause) = self.change(&Work::Drop { orders: &orders, only_present: false }).await {
                tracing::error!(%cause, "what the edge is to forget waits for another try");
                failed.extend(places);
            }
        }
        failed
    }

    /// Takes out what is past by its own value, because its message was lost. Returns how many entries.
    pub async fn sweep(&self) -> Result<usize, DenyStoreError> {
        let now = self.clock.now();
        let (mut spent, mut from) = (Vec::new(), None);
        loop {
            let page = self.store.list(from).await?;
            let past = page.entries.into_iter().filter(|(key, value)| is_spent(key, value, now));
            spent.extend(past.map(|(key, value)| DenyOrder { key, value, until: 0, at: 0, user: None }));
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        for orders in spent.chunks(KEYS) {
            self.change(&Work::Drop { orders, only_present: true }).await?;
        }
        Ok(spent.len())
    }

    /// Changes the list, again where it was changed meanwhile. Returns what was put.
    async fn change(&self, work: &Work<'_>) -> Result<Vec<DenyOrder>, DenyStoreError> {
        let mut only_present = matches!(work, Work::Drop { only_present: true, .. });
        for _ in 1..TRIES {
            match self.try_to_change(work, only_present).await {
                Err(DenyStoreError::Conflict) => self.pause.pause(self.jitter()).await,
                // Its message came twice. A look at each key is a call more, so it is taken only now.
                Err(DenyStoreError::Missing) => only_present = true,
                done => return done,
            }
        }
        self.try_to_change(work, only_present).await
    }

    async fn try_to_change(&self, work: &Work<'_>, only_present: bool) -> Result<Vec<DenyOrder>, DenyStoreError> {
        // Before anything is read: what changes after that is a conflict. Whatever fails now leaves nothing that was seen.
        let etag = match self.seen.take() {
            Some(etag) => etag,
            None => self.store.describe().await?.etag,
        };
        let (changes, put) = match work {
            Work::Put(orders) => self.puts(orders).await?,
            Work::Drop { orders, .. } => (self.deletes(orders, only_present).await?, Vec::new()),
        };
        if changes == Changes::default() {
            self.seen.set(etag);
            return Ok(put);
        }
        if !changes.is_within_limits() {
            return Err(OutboundError::passing("the edge's store", "a change beyond the limits of a call").into());
        }
        let state = self.store.update(&etag, &changes).await?;
        metrics::edge_store_bytes(state.bytes);
        self.seen.set(state.etag);
        Ok(put)
    }

    async fn puts(&self, orders: &[DenyOrder]) -> Result<(Changes, Vec<DenyOrder>), DenyStoreError> {
        let (mut changes, mut put) = (Changes::default(), Vec::new());
        for order in orders {
            let stored = if order.has_not_before() { self.store.get(&order.key).await? } else { None };
            let entry = match &stored {
                Some(stored) => order.clone().beside(stored, self.clock.now()),
                None => order.clone(),
            };
            if stored.as_ref() != Some(&entry.value) {
                changes.puts.push((entry.key.clone(), entry.value.clone()));
            } else if entry.value != order.value {
                // What the list has says all of it and more, and its own message takes it out.
                continue;
            }
            put.push(entry);
        }
        Ok((changes, put))
    }

    async fn deletes(&self, orders: &[DenyOrder], only_present: bool) -> Result<Changes, DenyStoreError> {
        let mut keys = BTreeSet::new();
        for order in orders {
            // An entry with a not-before may have been put anew with a later one.
            if !(only_present || order.has_not_before()) || self.holds(order).await? {
                keys.insert(order.key.clone());
            }
        }
        Ok(Changes { puts: Vec::new(), deletes: keys.into_iter().collect() })
    }

    async fn holds(&self, order: &DenyOrder) -> Result<bool, DenyStoreError> {
        Ok(self.store.get(&order.key).await?.is_some_and(|stored| stored == order.value))
    }

    async fn order_drops(&self, orders: Vec<DenyOrder>) -> Result<(), DenyStoreError> {
        if orders.is_empty() {
            return Ok(());
        }
        let now = self.clock.now().unix_seconds();
        let delayed = |order: DenyOrder| Delayed {
            delay_seconds: i32::try_from((order.until - now).clamp(0, LONGEST_DELAY)).unwrap_or_default(),
            message: EdgeMessage::Drop(order),
        };
        let messages: Vec<_> = orders.into_iter().map(delayed).collect();
        Ok(self.drops.put(&messages).await?)
    }

    /// 50 to 400 ms. Without randomness it is the middle: a conflict is no reason to fail.
    fn jitter(&self) -> Duration {
        let random = self.entropy.bytes::<2>().map_or(175, |bytes| u64::from(u16::from_be_bytes(bytes)) % 351);
        Duration::from_millis(50 + random)
    }
}

// A key has at most 512 bytes, so that whatever is within the number of keys is within the bytes of a call.
const _: () = assert!(KEYS * (512 + VALUE_BYTES) < CALL_BYTES);

#[cfg(test)]
mod tests;
