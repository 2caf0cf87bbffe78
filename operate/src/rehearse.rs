//! The migrations of this checkout on a copy of a table (`make migrate REHEARSE=1`).

use wardgate::app::App;
use wardgate::use_cases::migrate::Order;

use crate::Failure;
use crate::arguments::RehearseArguments;
use crate::migrations::carry_out;
use crate::stage::Deployment;

/// What the name of every copy has, as `infra/wardgate_infra/operate/restored_table.py` makes it.
pub const INFIX: &str = "-rehearsal-";
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
    let order = Order {
        to: arguments.to.clone(),
        items_per_second: arguments.rate,
        capacity_per_second: arguments.capacity,
        asked_by: Some("rehearsal".to_owned()),
        ..Order::default()
    };
    carry_out(app, order).await
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
