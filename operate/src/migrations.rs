//! Migrations of a stage's table, where no function applies them: before the servers of a release start.

use std::io::Write as _;
use std::time::Duration;

use wardgate::app::App;
use wardgate::clock::{Pause as _, SystemClock};
use wardgate::migrations::MIGRATIONS;
use wardgate::use_cases::migrate::{Order, Run, migrate, standing};

use crate::Failure;
use crate::arguments::MigrateArguments;
use crate::stage::Deployment;

/// A report comes about so often.
const RUN_SECONDS: u32 = 10;
/// Between two tries of a table that has no capacity, and how many in a row end it.
const PAUSE: Duration = Duration::from_secs(5);
const TRIES: u32 = 12;

/// Does what is left to be done, and prints how it goes, a line of JSON for each report.
pub async fn run(arguments: MigrateArguments) -> Result<(), Failure> {
    let deployment = Deployment::open(arguments.stage).await?;
    let order = Order {
        to: arguments.to,
        dry_run: arguments.dry_run,
        items_per_second: arguments.rate,
        capacity_per_second: arguments.capacity,
        asked_by: Some("wardgate-operate".to_owned()),
        ..Order::default()
    };
    let result = if arguments.status { listed(&deployment.app).await } else { carry_out(&deployment.app, order).await };
    deployment.close().await?;
    result
}

async fn listed(app: &App) -> Result<(), Failure> {
    tell(&standing(app, MIGRATIONS).await?)
}

/// Says how every migration stands, and asks for the same until nothing is left to be done.
pub async fn carry_out(app: &App, order: Order) -> Result<(), Failure> {
    listed(app).await?;
    let mut order = Order { seconds: Some(RUN_SECONDS), ..order };
    let mut failures = 0;
    loop {
        let mut report = migrate(app, Run { migrations: MIGRATIONS, pause: &SystemClock }, &order).await?;
        tell(&report)?;
        if let Some(refusal) = report.refused {
            return Err(refusal.detail.into());
        }
        failures = if report.interrupted.is_some() { failures + 1 } else { 0 };
        if failures == TRIES {
            return Err("the table does not keep up: try it with a lower rate".into());
        }
        if !report.more {
            return Ok(());
        }
        order.resume = report.resume.take();
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
