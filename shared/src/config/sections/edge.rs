//! Telling the edge what has ended.

use serde::Deserialize;

/// The deny list of the edge (docs/edge.md). Without it nothing is told.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Edge {
    /// The queue that `events` puts ended sessions into. The stack sets it.
    pub orders_url: Option<String>,
    /// The queue in which `edge-sync` lets entries wait until they are past. The stack sets it.
    pub drops_url: Option<String>,
    /// The key-value store. The stack sets it.
    pub store_arn: Option<String>,
}
