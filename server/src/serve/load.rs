//! How busy a port is.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wardgate::telemetry::metrics;

use crate::serve::limits::Limits;

/// What a port may have at a time, and what of it is taken.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(super) limits: Limits,
    /// Permits for connections.
    pub(super) connections: Arc<Semaphore>,
    /// Permits for requests.
    pub(super) requests: Arc<Semaphore>,
}

impl Load {
    pub(super) fn new(limits: Limits) -> Self {
        let permits = |most: usize| Arc::new(Semaphore::new(most));
        Self { limits, connections: permits(limits.connections), requests: permits(limits.in_flight) }
    }

    /// Measures it: when somebody looks, and at no other time.
    pub(crate) fn measure(&self) {
        let taken = |permits: &Semaphore, most: usize| count(most.saturating_sub(permits.available_permits()));
        let Limits { connections, in_flight, .. } = self.limits;
        metrics::connections(taken(&self.connections, connections), count(connections));
        metrics::in_flight(taken(&self.requests, in_flight), count(in_flight));
    }
}

/// As a metric has it.
pub(crate) fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
