//! Telling of every change of the audit trail that is none of ours (PL-03). No store request.

use crate::store::audit_changes::LineChange;
pub use crate::store::stream::{StreamBatch, StreamRecord};
use crate::telemetry::metrics::{self, AuditChange};

/// What became of a batch of changes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Watched {
    /// How many lines were touched that nobody may touch.
    pub tampering: u32,
    /// How many an erasure accounts for.
    pub erased: u32,
}

/// Counts and logs what happened to lines, by ids and never by what they say.
pub fn watch_audit(records: &[StreamRecord]) -> Watched {
    let mut watched = Watched::default();
    for record in records {
        let change = match record.judge_line() {
            LineChange::Added | LineChange::Expired => continue,
            LineChange::Erased => {
                watched.erased += 1;
                metrics::audit_erasure();
                continue;
            }
            LineChange::Changed => AuditChange::Changed,
            LineChange::Deleted => AuditChange::Deleted,
        };
        watched.tampering += 1;
        metrics::audit_tampering(change);
        let (event_id, subject) = (record.event_id(), record.subject());
        tracing::error!(event_id, subject, change = change.label(), "somebody tampered with the audit trail");
    }
    watched
}
