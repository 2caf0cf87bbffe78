//! A stage that no stack of AWS makes, from nothing to a server that starts.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::SystemClock;
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::engine::{self, Engine};
use wardgate_server::preflight;

use crate::harness::{Folder, outcome, succeeded};

const ISSUER: &str = "https://auth.example.com";

/// A store with nothing in it, and a folder for keys.
struct Nothing {
    folder: Folder,
    engine: Engine,
    _stop: watch::Sender<bool>,
}

impl Nothing {
    async fn new() -> Self {
        let (stop, stopping) = watch::channel(false);
        Self { folder: Folder::new(), engine: engine::start(None, stopping).await.unwrap(), _stop: stop }
    }

    fn keys(&self) -> std::path::PathBuf {
        self.folder.path("keys")
    }

    /// What the program says about stage staging, and whether it succeeded.
    fn operate(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-operate"));
        command
            .env_clear()
            .envs([("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
            .env("AWS_ENDPOINT_URL", &self.engine.endpoint_url)
            .env("AUTH__SECRETS__FOLDER", self.keys())
            // As a container has it.
            .env("AUTH__STAGE", "staging")
            .args(arguments);
        outcome(&mut command)
    }

    #[track_caller]
    fn operated(&self, arguments: &[&str]) -> String {
        succeeded(self.operate(arguments))
    }

    /// What keeps a server of this stage from starting, mails apart.
    async fn faults(&self) -> Vec<String> {
        let folder = self.keys().display().to_string();
        let given = [
            ("AUTH__STAGE", "staging"),
            ("AUTH__TOKENS__ISSUER", ISSUER),
            ("AUTH__TOKENS__AUDIENCE", ISSUER),
            ("AUTH__JOBS__ENABLED", "false"),
            ("AUTH__SECRETS__FOLDER", &folder),
        ];
        let config = Config::load(given.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        let connection = Connection::local(self.engine.endpoint_url.clone());
        let host = Host {
            connection: connection.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            hashing_slots: 1,
        };
        let app = App::new(config, host).unwrap();
        preflight::faults(&app, &connection).await.iter().map(ToString::to_string).collect()
    }
}

fn contents(folder: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries.map(|it| (it.file_name(), std::fs::read(it.path()).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_over_what_was_made_of_nothing_and_making_it_again_changes_nothing() {
    let stage = Nothing::new().await;
    assert!(!stage.faults().await.is_empty(), "there is nothing yet");
    let text = stage.operated(&["tables"]);
    assert!(text.contains("wardgate-staging: made") && text.contains("wardgate-audit-staging: made"), "{text}");
    stage.operated(&["keys", "new"]);
    let text = stage.operated(&["migrate"]);
    assert!(text.contains("expire-failures-of-no-account"), "{text}");
    assert_eq!(stage.faults().await, Vec::<String>::new());

    let keys = contents(&stage.keys());
    let text = stage.operated(&["tables"]);
    assert_eq!(text.matches("there already").count(), 2, "{text}");
    let text = stage.operated(&["keys", "new"]);
    assert_eq!(text.matches("there already").count(), 6, "{text}");
    assert!(contents(&stage.keys()) == keys, "a key has changed");
    let status = stage.operated(&["migrate", "--status"]);
    assert_eq!(status.lines().count(), 1, "{status}");
    assert!(status.contains("\"applied\"") && !status.contains("\"pending\""), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_that_were_exported_are_imported_into_a_new_store_under_other_keys() {
    let (old, new) = (Nothing::new().await, Nothing::new().await);
    old.operated(&["tables"]);
    old.operated(&["keys", "new"]);
    let file = old.folder.copy("wardgate.csv");
    let text = old.operated(&["import", file.to_str().unwrap()]);
    assert!(text.contains("2 accounts created in staging"), "{text}");
    let (passphrase, backup) = (old.folder.file("passphrase", "correct horse"), old.folder.path("backup.age"));
    let (passphrase, backup) = (passphrase.to_str().unwrap(), backup.to_str().unwrap());
    old.operated(&["export", backup, "--with-hashes", "--passphrase-file", passphrase]);
    // As a job does that is to find a name by itself.
    let folder = old.folder.path("backups");
    std::fs::create_dir(&folder).unwrap();
    old.operated(&["export", folder.to_str().unwrap(), "--with-hashes", "--passphrase-file", passphrase]);
    let names: Vec<_> = contents(&folder).into_iter().map(|(name, _)| name.into_string().unwrap()).collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    assert!(name.starts_with("wardgate-staging-2") && name.ends_with("Z.jsonl.age"), "{name}");

    new.operated(&["tables"]);
    new.operated(&["keys", "new"]);
    let text = new.operated(&["import", backup, "--passphrase-file", passphrase]);
    assert!(text.contains("2 accounts created in staging"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_of_somebody_elses_is_left_as_it_is() {
    use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};

    let stage = Nothing::new().await;
    let config = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap();
    let client = wardgate::store::client::build(&Connection::local(stage.engine.endpoint_url.clone()), config.aws);
    let attribute = AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
    client
        .create_table()
        .table_name("wardgate-staging")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap())
        .send()
        .await
        .unwrap();
    let (succeeded, text) = stage.operate(&["tables"]);
    assert!(!succeeded && text.contains("wardgate-staging: its keys are not pk and sk"), "{text}");
}
