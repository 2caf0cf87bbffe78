//! Applies migrations of the data and takes them back, when an operator or a deploy says so.

use serde::{Deserialize, Serialize};
use wardgate::app::App;
use wardgate::app::Needs;
use wardgate::clock::{Pause, SystemClock};
use wardgate::fault::Fault;
use wardgate::lambda::EventFunction;
use wardgate::migrations::MIGRATIONS;
use wardgate::secrets::RingName;
use wardgate::use_cases::migrate::{Listing, Order, Report, Run, migrate, standing};

/// What `make migrate` invokes until nothing is left to be done.
pub const FUNCTION: EventFunction<MigrateEvent, Box<dyn Pause>, Answer> = EventFunction {
    name: "migrate",
    needs: |_| Ok(Needs { rings: &[RingName::PasswordWrap, RingName::FactorWrap], table: true }),
    parts: |_, _| Ok(Box::new(SystemClock)),
    handler: |app, pause, event| Box::pin(handle(app, pause.as_ref(), event)),
};

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum MigrateEvent {
    /// How every migration stands.
    Status(StatusEvent),
    /// To go on.
    Order(Order),
}

/// Asks how every migration stands, and nothing else.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusEvent {
    #[serde(rename = "status")]
    _status: bool,
}

/// What is answered.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    /// How every migration stands.
    Listing(Listing),
    /// What was done.
    Report(Box<Report>),
}

async fn handle(app: &App, pause: &dyn Pause, event: MigrateEvent) -> Result<Answer, Fault> {
    let run = Run { migrations: MIGRATIONS, pause };
    match event {
        MigrateEvent::Status(_) => Ok(Answer::Listing(standing(app, MIGRATIONS).await?)),
        MigrateEvent::Order(order) => Ok(Answer::Report(Box::new(migrate(app, run, &order).await?))),
    }
}
