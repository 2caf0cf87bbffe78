//! Erases the accounts whose time of grace is over, when a schedule says so.

use serde::{Deserialize, Serialize};
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::fault::Fault;
use wardgate::lambda::EventFunction;
use wardgate::use_cases::eraser::erase_accounts;

/// What the schedule starts.
pub const FUNCTION: EventFunction<ScheduledEvent, (), Erased> = EventFunction {
    name: "eraser",
    needs: |_| Ok(Needs { rings: &[], table: true }),
    parts: |_, _| Ok(()),
    handler: |app, (), event| Box::pin(handle(app, event)),
};

/// As much of a scheduled event as matters.
#[derive(Debug, Deserialize)]
pub struct ScheduledEvent {
    /// Names it in logs and in the audit trail.
    pub id: String,
}

/// What was done.
#[derive(Debug, Serialize)]
pub struct Erased {
    /// How many accounts are gone.
    pub erased: u32,
}

async fn handle(app: &App, event: ScheduledEvent) -> Result<Erased, Fault> {
    Ok(Erased { erased: erase_accounts(app, &event.id).await? })
}
