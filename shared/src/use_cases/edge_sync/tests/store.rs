//! A store with AWS's limits, which an emulator does not have, and a queue.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use futures::future::BoxFuture;

use crate::outbound::OutboundError;
use crate::outbound::edge::{Changes, Delayed, DenyStore, DenyStoreError, EdgeQueue, Page, StoreState};

const BYTES: usize = 5_000_000;

#[derive(Default)]
pub(super) struct Store(Mutex<State>);

#[derive(Default)]
struct State {
    entries: BTreeMap<String, String>,
    version: u64,
    updates: usize,
    describes: usize,
    conflicts: usize,
    filler: usize,
}

impl State {
    fn seen(&self) -> StoreState {
        StoreState { etag: format!("E{}", self.version), bytes: u32::try_from(self.bytes()).unwrap() }
    }

    fn bytes(&self) -> usize {
        self.filler + self.entries.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>()
    }
}

impl Store {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub(super) fn entries(&self) -> BTreeMap<String, String> {
        self.state().entries.clone()
    }

    pub(super) fn updates(&self) -> usize {
        self.state().updates
    }

    pub(super) fn describes(&self) -> usize {
        self.state().describes
    }

    pub(super) fn fill(&self) {
        self.state().filler = BYTES;
    }

    pub(super) fn conflict_for(&self, times: usize) {
        self.state().conflicts = times;
    }

    fn change(&self, etag: &str, changes: &Changes) -> Result<StoreState, DenyStoreError> {
        let mut state = self.state();
        if state.conflicts > 0 {
            state.conflicts -= 1;
            state.version += 1;
        }
        if state.seen().etag != etag {
            return Err(DenyStoreError::Conflict);
        }
        let keys: Vec<_> = changes.puts.iter().map(|(key, _)| key).chain(&changes.deletes).collect();
        let bytes: usize = changes.puts.iter().map(|(key, value)| key.len() + value.len()).sum();
        let long = changes.puts.iter().any(|(_, value)| value.len() > 1024) || keys.iter().any(|key| key.len() > 512);
        let twice = keys.iter().collect::<std::collections::BTreeSet<_>>().len() < keys.len();
        assert!(!keys.is_empty() && keys.len() <= 50 && bytes <= 3_000_000 && !long && !twice, "{changes:?}");
        if changes.deletes.iter().any(|key| !state.entries.contains_key(key)) {
            return Err(DenyStoreError::Missing);
        }
        if state.bytes() + bytes > BYTES {
            return Err(DenyStoreError::Full);
        }
        state.entries.extend(changes.puts.iter().cloned());
        state.entries.retain(|key, _| !changes.deletes.contains(key));
        state.version += 1;
        state.updates += 1;
        Ok(state.seen())
    }
}

/// Every call lets others go first, before it is done and after.
async fn between<T>(call: impl FnOnce() -> T) -> T {
    tokio::task::yield_now().await;
    let done = call();
    tokio::task::yield_now().await;
    done
}

impl DenyStore for Store {
    fn describe(&self) -> BoxFuture<'_, Result<StoreState, DenyStoreError>> {
        Box::pin(between(|| {
            let mut state = self.state();
            state.describes += 1;
            Ok(state.seen())
        }))
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, DenyStoreError>> {
        Box::pin(between(|| Ok(self.state().entries.get(key).cloned())))
    }

    fn update<'a>(&'a self, etag: &'a str, changes: &'a Changes) -> BoxFuture<'a, Result<StoreState, DenyStoreError>> {
        Box::pin(between(|| self.change(etag, changes)))
    }

    fn list(&self, from: Option<String>) -> BoxFuture<'_, Result<Page, DenyStoreError>> {
        Box::pin(between(move || {
            let state = self.state();
            let after = |key: &String| from.as_ref().is_none_or(|from| key > from);
            let entries: Vec<_> = state
                .entries
                .iter()
                .filter(|(key, _)| after(key))
                .take(50)
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            let next = entries.last().filter(|_| entries.len() == 50).map(|(key, _)| key.clone());
            Ok(Page { entries, next })
        }))
    }
}

#[derive(Default)]
pub(super) struct Queue(Mutex<(Vec<Delayed>, bool)>);

impl Queue {
    pub(super) fn take(&self) -> Vec<Delayed> {
        std::mem::take(&mut self.0.lock().unwrap().0)
    }

    pub(super) fn refuse(&self, refuses: bool) {
        self.0.lock().unwrap().1 = refuses;
    }
}

impl EdgeQueue for Queue {
    fn put<'a>(&'a self, messages: &'a [Delayed]) -> BoxFuture<'a, Result<(), OutboundError>> {
        let mut queue = self.0.lock().unwrap();
        let taken = if queue.1 {
            Err(OutboundError::passing("SQS", "ServiceUnavailable"))
        } else {
            queue.0.extend_from_slice(messages);
            Ok(())
        };
        Box::pin(std::future::ready(taken))
    }
}
