//! Of the edge's deny list.

/// So many sessions ended at once that the edge was told of their users instead.
pub fn edge_folded() {
    metrics::counter!("wardgate_edge_folded_total").increment(1);
}

/// The list has this size. A histogram, as with the age of keys.
pub fn edge_store_bytes(bytes: u32) {
    metrics::histogram!("wardgate_edge_store_bytes").record(bytes);
}
