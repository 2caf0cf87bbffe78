//! The migrations of this checkout on a copy of a table (`make migrate REHEARSE=1`).

use std::io::Write as _;
use std::time::Duration;

use wardgate::app::App;
use wardgate::clock::{Pause as _, SystemClock};
use wardgate::migrations::MIGRATIONS;
use wardgate::use_cases::migrate::{Order, Run, migrate, standing};

use crate::Failure;
use crate::arguments::RehearseArguments;
use crate::stage::Deployment;

/// What the name of every copy has, as `infra/wardgate_infra/operate/restored_table.py` makes it.
pub const INFIX: &str = "-rehearsal-";
/// A report comes about so often.
const RUN_SECONDS: u32 = 10;
/// Between two tries of a table that has no capacity, and how many in a row end it.
const PAUSE: Duration = Duration::from_secs(5);
const TRIES: u32 = 12;

/// Applies what is due, and prints how it goes, a line of JSON for each report.
pub async fn run(arguments: RehearseArguments) -> Result<(), Failure> {
    permitted(&arguments.table)?;
    let deployment = Deployment::open_copy(arguments.stage, &arguments.table).await?;
    let result = rehearse(&deployment.app, &arguments).await;
    deployment.close().await?;
    result
}

/// Only a copy is migrated here.
fn permitted(table: &str) -> Result<(), String> {
    if table.contains(INFIX) {
        return Ok(());
    }
    Err(format!("{table} is no copy of a rehearsal, whose name has {INFIX} in it: nothing is migrated there"))
}

async fn rehearse(app: &App, arguments: &RehearseArguments) -> Result<(), Failure> {
    tell(&standing(app, MIGRATIONS).await?)?;
    let order = Order {
        to: arguments.to.clone(),
        seconds: Some(RUN_SECONDS),
        items_per_second: arguments.rate,
        capacity_per_second: arguments.capacity,
        asked_by: Some("rehearsal".to_owned()),
        ..Order::default()
    };
    let mut failures = 0;
    loop {
        let report = migrate(app, Run { migrations: MIGRATIONS, pause: &SystemClock }, &order).await?;
        tell(&report)?;
        failures = if report.interrupted.is_some() { failures + 1 } else { 0 };
        if failures == TRIES {
            return Err("the copy does not keep up: try it with a lower rate".into());
        }
        if !report.more {
            return Ok(());
        }
        if failures > 0 {
            SystemClock.pause(PAUSE).await;
        }
    }
}

fn tell(report: &impl serde::Serialize) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    serde_json::to_writer(&mut stdout, report)?;
    writeln!(stdout)?;
    // Whoever reads waits for the line.
    Ok(stdout.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_copy_is_migrated() {
        assert_eq!(permitted("wardgate-rehearsal-20260131t120000z"), Ok(()));
        for table in ["wardgate", "wardgate-audit", "wardgate-restored-20260131t120000z"] {
            assert!(permitted(table).is_err(), "{table}");
        }
    }
}
