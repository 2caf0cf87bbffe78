//! The deny list of the edge as a store of keys and values, and the queues before it.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::deny_list::DenyOrder;
pub use crate::domain::deny_list::VALUE_BYTES;
use crate::outbound::OutboundError;

/// The most keys of one call.
pub const KEYS: usize = 50;
/// The most bytes of one call, keys and values.
pub const CALL_BYTES: usize = 3_000_000;

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeMessage {
    /// To be put into the list.
    Put(DenyOrder),
    /// To be taken out of it, once it is past.
    Drop(DenyOrder),
}

/// A message that nobody is to see before so long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delayed {
    /// The message.
    pub message: EdgeMessage,
    /// Seconds, at most 900.
    pub delay_seconds: i32,
}

/// Keeps messages until they are carried out, in no order, and now and then hands one out twice.
pub trait EdgeQueue: Send + Sync {
    /// Takes the messages: all of them, or an error, after which some may have been taken.
    fn put<'a>(&'a self, messages: &'a [Delayed]) -> BoxFuture<'a, Result<(), OutboundError>>;
}

impl<T: EdgeQueue + ?Sized> EdgeQueue for Arc<T> {
    fn put<'a>(&'a self, messages: &'a [Delayed]) -> BoxFuture<'a, Result<(), OutboundError>> {
        (**self).put(messages)
    }
}

/// The store as it is after a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreState {
    /// Names this state: a change says which one it is made to, and is refused if that is not the present one.
    pub etag: String,
    /// How large it is, in bytes.
    pub bytes: u32,
}

/// A call's changes: all are made, or none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys and their values.
    pub puts: Vec<(String, String)>,
    /// Keys that have to be there.
    pub deletes: Vec<String>,
}

impl Changes {
    /// Whether the store takes as much in one call.
    pub fn is_within_limits(&self) -> bool {
        let keys = self.puts.len() + self.deletes.len();
        let put_bytes: usize = self.puts.iter().map(|(key, value)| key.len() + value.len()).sum();
        let bytes = put_bytes + self.deletes.iter().map(String::len).sum::<usize>();
        keys <= KEYS && bytes <= CALL_BYTES && self.puts.iter().all(|(_, value)| value.len() <= VALUE_BYTES)
    }
}

/// Why the store has not done what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DenyStoreError {
    /// It was changed meanwhile.
    #[error("the store was changed meanwhile")]
    Conflict,
    /// A key that was to be deleted is not there.
    #[error("a key is not in the store")]
    Missing,
    /// There is no room left.
    #[error("the store is full")]
    Full,
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] OutboundError),
}

/// Some of the store's keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Keys and their values.
    pub entries: Vec<(String, String)>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// The store that the edge reads.
pub trait DenyStore: Send + Sync {
    /// How it is now.
    fn describe(&self) -> BoxFuture<'_, Result<StoreState, DenyStoreError>>;
    /// A key's value, if it is there.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, DenyStoreError>>;
    /// Changes the state that `etag` names.
    fn update<'a>(&'a self, etag: &'a str, changes: &'a Changes) -> BoxFuture<'a, Result<StoreState, DenyStoreError>>;
    /// A page of its keys.
    fn list(&self, from: Option<String>) -> BoxFuture<'_, Result<Page, DenyStoreError>>;
}

impl<T: DenyStore + ?Sized> DenyStore for Arc<T> {
    fn describe(&self) -> BoxFuture<'_, Result<StoreState, DenyStoreError>> {
        (**self).describe()
    }

    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<String>, DenyStoreError>> {
        (**self).get(key)
    }

    fn update<'a>(&'a self, etag: &'a str, changes: &'a Changes) -> BoxFuture<'a, Result<StoreState, DenyStoreError>> {
        (**self).update(etag, changes)
    }

    fn list(&self, from: Option<String>) -> BoxFuture<'_, Result<Page, DenyStoreError>> {
        (**self).list(from)
    }
}
