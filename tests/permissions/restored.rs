//! What the sweep of a restored table does: infra/migrate.yaml.

use serde_json::{Value, json};

use super::observer::Observer;
use super::{Uses, differences, granted};
use crate::harness::cloudformation::{stack_of, statements, texts};
use crate::restored::eventful;

/// The rights on the tables that restores name, as if on this one.
fn of_restored(granted: &Uses) -> Uses {
    granted.iter().map(|access| access.on("wardgate-restored-*", "wardgate-restored-20260301t122900z")).collect()
}

#[tokio::test]
async fn sec_pl_01_the_sweep_may_do_to_restored_tables_what_it_does_and_nothing_to_others() {
    // The live table may itself be a restored one: the next restore names its table from the first.
    for live in ["wardgate", "wardgate-restored-20250101t000000z"] {
        let template = stack_of("restore-sweep", &[("TableName", json!(live))]);
        let (server, point) = eventful().await;
        let now = server.context().now.millis();
        let mut observer = Observer::of(server);
        observer
            .see("restore-sweep", async |it| {
                for check in [false, true] {
                    it.sweep(point.at, now, check, 100).await.unwrap();
                }
            })
            .await;
        let granted = of_restored(&granted(&template, "development", "RestoreSweep"));
        assert_eq!(differences(&granted, &observer.seen["restore-sweep"]), Vec::<String>::new(), "{live}");
        for statement in statements(&template, "RestoreSweep") {
            assert!(!tables(statement).contains(&"wardgate-development".to_owned()), "{statement}");
        }
    }
}

fn tables(statement: &Value) -> Vec<String> {
    let names = texts(&statement["Resource"]).into_iter().filter_map(|arn| arn.rsplit_once("table/"));
    names.map(|(_, name)| name.to_owned()).collect()
}
