//! Reads the audit table's stream: what changes or deletes a line is counted, and an alarm looks at the count (PL-03).

use std::future::ready;

use serde::Serialize;
use wardgate::app::Needs;
use wardgate::lambda::EventFunction;
use wardgate::use_cases::audit_watch::{StreamBatch, watch_audit};

/// What takes the stream's records.
pub const FUNCTION: EventFunction<StreamBatch, (), Watched> = EventFunction {
    name: "audit-watch",
    // The stream brings everything that it needs.
    needs: |_| Ok(Needs { rings: &[], table: false }),
    parts: |_, _| Ok(()),
    handler: |_, (), batch| Box::pin(ready(Ok(watch(&batch)))),
};

/// What was seen.
#[derive(Debug, Serialize)]
pub struct Watched {
    /// How many lines were touched that nobody may touch.
    pub tampering: u32,
    /// How many an erasure accounts for.
    pub erased: u32,
}

fn watch(batch: &StreamBatch) -> Watched {
    let seen = watch_audit(&batch.records);
    Watched { tampering: seen.tampering, erased: seen.erased }
}
