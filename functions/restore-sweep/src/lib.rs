//! Goes through a restored table, a page at a time, before anybody uses it (PL-07). `make restore` asks until it is done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wardgate::app::App;
use wardgate::domain::audit::AuditAction;
use wardgate::domain::id::UserId;
use wardgate::domain::timestamp::Timestamp;
use wardgate::http::endpoint::Needs;
use wardgate::lambda::EventFunction;
use wardgate::use_cases::fault::Fault;
use wardgate::use_cases::sweep_restored::{Cursor, Segment, Sweep, SweptPage, sweep_restored};

/// What `make restore` asks.
pub const FUNCTION: EventFunction<SweepEvent, (), Answer> = EventFunction {
    name: "restore-sweep",
    needs: |_| Ok(Needs { rings: &[], table: false }),
    parts: |_, _| Ok(()),
    handler: |app, (), event| Box::pin(handle(app, event)),
};

/// A page to go through. Times are milliseconds since 1970.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SweepEvent {
    /// Names the restore in the audit trail.
    pub id: String,
    /// The restored table, by its full name.
    pub table: String,
    /// The table is as it was then.
    pub point: Timestamp,
    /// When the restore was made.
    pub now: Timestamp,
    /// Whether to look only.
    pub check: bool,
    /// Which part of the table.
    pub segment: Segment,
    /// Where in it, as the answer before said.
    pub cursor: Option<Cursor>,
    /// How many items.
    pub limit: i32,
}

/// What was found and done.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Where the next page begins; null after the last.
    pub cursor: Option<Cursor>,
    /// Items by kind.
    pub items: BTreeMap<&'static str, u64>,
    /// To be added up over all pages, modulo 2^128; 32 hex digits.
    pub checksum: String,
    /// Accounts that were changed just now.
    pub accounts: u64,
    /// Tokens and codes that were killed just now.
    pub killed: u64,
    /// What was done to accounts.
    pub actions: Vec<(AuditAction, UserId)>,
    /// What is not as it has to be.
    pub wrong: Vec<String>,
}

async fn handle(app: &App, event: SweepEvent) -> Result<Answer, Fault> {
    let SweepEvent { id, table, point, now, check, segment, cursor, limit } = event;
    let sweep = Sweep { id, table, point, now, check, segment, cursor, limit };
    let SweptPage { cursor, items, checksum, accounts, killed, actions, wrong } = sweep_restored(app, sweep).await?;
    Ok(Answer { cursor, items, checksum: format!("{checksum:032x}"), accounts, killed, actions, wrong })
}
