//! What operators ask for.

use std::time::Duration;

use serde::Deserialize;

use crate::app::App;
use crate::domain::timestamp::Timestamp;
use crate::migrations::sweep::Limits;
use crate::use_cases::migrate::Resume;

/// How long a run takes unless somebody says otherwise.
const RUN_SECONDS: u32 = 25;
/// What is left of the time for an answer when a run stops.
const TO_STOP: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Order {
    /// The last migration that is to be applied, all later ones are taken back; without it all are applied. `0000` takes
    /// back all.
    pub to: Option<String>,
    /// Counts what would change, and writes nothing.
    pub dry_run: bool,
    /// Applies those that repeat also where they were begun before this time, in milliseconds.
    pub again: Option<Timestamp>,
    /// Where a dry run goes on: what the answer before said.
    pub resume: Option<Resume>,
    /// The most that a run takes.
    pub seconds: Option<u32>,
    /// The most items looked at in a second.
    pub items_per_second: Option<u32>,
    /// The most capacity units in a second.
    pub capacity_per_second: Option<u32>,
    /// The most writes at a time.
    pub concurrent_writes: Option<u32>,
    /// Who asks: named in the audit trail, and not in logs, since it may be an address.
    pub asked_by: Option<String>,
}

impl Order {
    pub(in crate::use_cases) fn limits(&self) -> Limits {
        Limits {
            items_per_second: self.items_per_second.unwrap_or(500).max(1),
            capacity_per_second: self.capacity_per_second.unwrap_or(1000).max(1),
            concurrent_writes: self.concurrent_writes.unwrap_or(8).clamp(1, 64) as usize,
        }
    }

    pub(in crate::use_cases) fn until(&self, app: &App, now: Timestamp) -> Timestamp {
        let asked = Duration::from_secs(u64::from(self.seconds.unwrap_or(RUN_SECONDS)));
        let possible = Duration::from_millis(app.config.http.request_deadline_ms);
        now.plus(asked.min(possible.saturating_sub(TO_STOP)))
    }
}
