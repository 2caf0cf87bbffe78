//! A laptop's deny list for `make edge`: what the function `edge-sync` and the store of `CloudFront` do on AWS, by the same
//! use case in memory (PL-06).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures::future::{BoxFuture, ready};
use http::{StatusCode, header};
use wardgate::app::App;
use wardgate::clock::SystemClock;
use wardgate::config::Config;
use wardgate::domain::deny_list::DenyOrder;
use wardgate::outbound::OutboundError;
use wardgate::outbound::edge::{Changes, Delayed, DenyStore, DenyStoreError, EdgeMessage, EdgeQueue, Page, StoreState};
use wardgate::use_cases::edge_sync::{EdgeSync, LastSeen};

use crate::dev::permit;

/// The list, and the messages before it.
#[derive(Debug, Default)]
pub struct DenyList {
    state: Mutex<State>,
    seen: LastSeen,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, String>,
    version: u64,
    orders: Vec<DenyOrder>,
    drops: Vec<DenyOrder>,
}

impl State {
    fn seen(&self) -> StoreState {
        let bytes = self.entries.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
        StoreState { etag: self.version.to_string(), bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    fn change(&mut self, etag: &str, changes: &Changes) -> Result<StoreState, DenyStoreError> {
        if self.version.to_string() != etag {
            return Err(DenyStoreError::Conflict);
        }
        if changes.deletes.iter().any(|key| !self.entries.contains_key(key)) {
            return Err(DenyStoreError::Missing);
        }
        self.entries.extend(changes.puts.iter().cloned());
        self.entries.retain(|key, _| !changes.deletes.contains(key));
        self.version += 1;
        Ok(self.seen())
    }
}

impl DenyList {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an entry says.
    pub fn value(&self, key: &str) -> Option<String> {
        self.state().entries.get(key).cloned()
    }

    /// Carries out what waits, and takes out what is past.
    pub async fn turn(&self, app: &App) {
        let now = app.clock.now();
        let (orders, due) = {
            let mut state = self.state();
            let (due, early) =
                std::mem::take(&mut state.drops).into_iter().partition::<Vec<_>, _>(|it| it.is_past(now));
            state.drops = early;
            (std::mem::take(&mut state.orders), due)
        };
        let sync = EdgeSync {
            clock: &*app.clock,
            pause: &SystemClock,
            entropy: &*app.entropy,
            store: self,
            drops: self,
            seen: &self.seen,
        };
        // Nobody else writes it, and it is never full: nothing fails.
        sync.put(&orders).await;
        sync.drop(&due).await;
    }
}

impl DenyStore for DenyList {
    fn describe(&self) -> BoxFuture<'_, Result<StoreState, DenyStoreError>> {
        Box::pin(ready(Ok(self.state().seen())))
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, DenyStoreError>> {
        Box::pin(ready(Ok(self.value(key))))
    }

    fn update<'a>(&'a self, etag: &'a str, changes: &'a Changes) -> BoxFuture<'a, Result<StoreState, DenyStoreError>> {
        Box::pin(ready(self.state().change(etag, changes)))
    }

    fn list(&self, _: Option<String>) -> BoxFuture<'_, Result<Page, DenyStoreError>> {
        let entries = self.state().entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        Box::pin(ready(Ok(Page { entries, next: None })))
    }
}

impl EdgeQueue for DenyList {
    fn put<'a>(&'a self, messages: &'a [Delayed]) -> BoxFuture<'a, Result<(), OutboundError>> {
        let mut state = self.state();
        for Delayed { message, .. } in messages {
            match message.clone() {
                EdgeMessage::Put(order) => state.orders.push(order),
                EdgeMessage::Drop(order) => state.drops.push(order),
            }
        }
        Box::pin(ready(Ok(())))
    }
}

/// `GET /dev/denied/<key>`, what an edge asks; nothing where it is not allowed.
pub fn routes(config: &Config, list: &Arc<DenyList>) -> Router {
    if permit(config).is_err() {
        return Router::new();
    }
    let list = Arc::clone(list);
    Router::new().route("/dev/denied/{key}", get(move |Path(key): Path<String>| ready(answer(list.value(&key)))))
}

fn answer(value: Option<String>) -> Response {
    let no_store = [(header::CACHE_CONTROL, "no-store")];
    match value {
        Some(value) => (no_store, value).into_response(),
        None => (StatusCode::NOT_FOUND, no_store).into_response(),
    }
}
