//! What connections and requests may take: time, number, descriptors.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use wardgate::config::Http;

/// Descriptors beside connections: listeners, the store's connections, files.
const OTHERS: u64 = 256;

/// The limits of one port.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Open connections.
    pub connections: usize,
    /// Requests that are answered at the same time.
    pub in_flight: usize,
    /// From a head's first byte to its last.
    pub head: Duration,
    /// Between requests.
    pub idle: Duration,
    /// For a client to read its answer.
    pub response: Duration,
    /// How long everything is served on after a stop was asked for.
    pub notice: Duration,
    /// How long running requests have to finish after that.
    pub drain: Duration,
}

impl Limits {
    /// The API's.
    pub fn new(http: &Http) -> Self {
        Self {
            connections: http.max_connections,
            in_flight: http.max_in_flight,
            head: Duration::from_millis(http.head_ms),
            idle: Duration::from_millis(http.idle_ms),
            response: Duration::from_millis(http.response_ms),
            notice: Duration::from_millis(http.notice_ms),
            drain: Duration::from_millis(http.drain_ms),
        }
    }
}

/// There are fewer descriptors than connections.
#[derive(Debug, Error)]
#[error(
    "http.max_connections is {connections} and needs {needed} file descriptors, but this process may have {allowed}: \
     raise its limit (ulimit -n, LimitNOFILE) or lower AUTH__HTTP__MAX_CONNECTIONS"
)]
pub struct TooFewDescriptors {
    connections: usize,
    needed: u64,
    allowed: u64,
}

/// Takes as many descriptors as connections need, where the system lets it. Without them the listener would fail in the
/// middle of the day, and with it the store.
pub fn claim_descriptors(connections: usize) -> Result<(), TooFewDescriptors> {
    let needed = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS);
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let allowed = limit.maximum.unwrap_or(needed);
    let raised = Rlimit { current: Some(needed), maximum: limit.maximum };
    if allowed >= needed && setrlimit(Resource::Nofile, raised).is_ok() {
        return Ok(());
    }
    Err(TooFewDescriptors { connections, needed, allowed: limit.current.unwrap_or(allowed) })
}
