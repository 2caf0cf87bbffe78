//! Which table a command is about.

use std::path::Path;
use std::process::Command;

use tokio::sync::watch;
use wardgate::aws::Connection;
use wardgate::config::Config;
use wardgate_server::dev::engine;

use crate::harness::{Folder, told};

#[test]
fn another_stage_is_where_awss_own_variables_lead() {
    let folder = Folder::new();
    let file = folder.copy("wardgate.csv");
    let mut command = folder.command("import", &file, &[]);
    let output = command.env_remove("AUTH__EMBEDDED__FOLDER").args(["--stage", "staging"]).output().unwrap();
    assert!(told(&output).contains("cannot be used multiple times"), "{}", told(&output));
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-operate"));
    let output = command.env_clear().arg("import").arg(&file).args(["--stage", "staging"]).output().unwrap();
    assert!(told(&output).contains("the environment variable AWS_REGION is not set"), "{}", told(&output));
}

/// As against AWS or an emulator of it, by AWS's own variables.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_endpoint_of_the_environment_is_honoured() {
    let folder = Folder::new();
    let (_stop, stopping) = watch::channel(false);
    let engine = engine::start(None, stopping).await.unwrap();
    let config = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap();
    engine::create_tables(&Connection::local(engine.endpoint_url.clone()), &config).await.unwrap();
    let run = |verb: &str, stage: &str, file: &Path| folder.told_at(&engine.endpoint_url, verb, stage, file);
    let file = folder.copy("wardgate.csv");
    let text = run("import", "development", &file);
    assert!(text.contains("2 accounts created in development"), "{text}");
    let text = run("export", "development", &folder.path("out.jsonl"));
    assert!(text.contains("2 accounts written"), "{text}");
    // The engine is no Secrets Manager: without the keys of hashes nothing is imported.
    let text = run("import", "staging", &file);
    assert!(text.contains("wardgate-operate: ") && !text.contains("accounts created"), "{text}");
}
