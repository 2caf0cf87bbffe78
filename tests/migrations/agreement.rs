//! What is written about migrations is what the code says.

use std::fs;

use serde_json::json;
use wardgate::migrations::MIGRATIONS;
use wardgate::use_cases::migrate::Order;

use super::ByClock;
use crate::harness::{TestServer, repository};

#[test]
fn numbers_and_times_grow_and_files_are_named_for_them() {
    let folder = repository("shared/src/migrations");
    let mut files: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('m') && !["mod.rs", "m0000_template.rs"].contains(&name.as_str()))
        .collect();
    files.sort();
    assert_eq!(files.len(), MIGRATIONS.len(), "a file that is not in the list, or the reverse");
    let mut before = "";
    for ((file, migration), number) in files.iter().zip(MIGRATIONS).zip(1..) {
        let definition = migration.definition();
        assert_eq!(definition.number, format!("{number:04}"));
        assert_eq!(*file, format!("m{}_{}.rs", definition.number, definition.name.replace('-', "_")));
        assert!(definition.timestamp > before && definition.timestamp.len() == 14, "{file}");
        assert_eq!(definition.source, fs::read_to_string(folder.join(file)).unwrap(), "{file} includes another's text");
        before = definition.timestamp;
    }
}

#[tokio::test]
async fn the_function_takes_what_operators_send_and_nothing_else() {
    let server = TestServer::start().await;
    let pause: Box<dyn wardgate::clock::Pause> = Box::new(ByClock(server.clock.clone()));
    let ask = async |event: serde_json::Value| {
        let answer = (migrate::FUNCTION.handler)(&server.app, &pause, serde_json::from_value(event).unwrap()).await;
        serde_json::to_value(answer.unwrap()).unwrap()
    };
    let listing = ask(json!({ "status": true })).await;
    assert_eq!(listing["migrations"][0]["status"], "pending");
    let done = ask(json!({ "asked_by": "arn:aws:iam::1:user/ada" })).await;
    assert_eq!((&done["more"], done["finished"].as_array().unwrap().len()), (&json!(false), MIGRATIONS.len()));
    let lines = server.items(crate::harness::AUDIT_TABLE, "STAGE#").await;
    assert!(lines.iter().all(|line| line["request_id"].as_s().unwrap() == "arn:aws:iam::1:user/ada"));
    assert_eq!(ask(json!({ "status": true })).await["migrations"][1]["status"], "applied");
    // A misspelt wish must not be a run.
    for event in [json!({ "dryrun": true }), json!({ "status": true, "to": "0000" }), json!({ "status": 1 })] {
        assert!(serde_json::from_value::<migrate::MigrateEvent>(event).is_err());
    }
    assert!(serde_json::from_value::<Order>(json!({})).is_ok());
}
