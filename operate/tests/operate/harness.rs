//! A data folder, the binary, and the server over what it wrote.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::crypto::password_wrap;
use wardgate::domain::credential::Credential;
use wardgate::domain::email::Email;
use wardgate::domain::user::User;
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::keys;
use wardgate_server::dev::local::Local;
use wardgate_server::serve::{listen, serve};
use wardgate_server::store_gate::StoreGate;

/// Making an RSA key takes a while: every folder of a test run has the same ones.
fn shared_keys() -> &'static str {
    static KEYS: OnceLock<String> = OnceLock::new();
    KEYS.get_or_init(|| keys::document(SystemClock.now(), &SystemEntropy).unwrap().to_string())
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Runs to the end: whether it succeeded, and what was told.
pub(crate) fn outcome(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    (output.status.success(), told(&output))
}

/// What was told by something that has to succeed.
#[track_caller]
pub(crate) fn succeeded((succeeded, text): (bool, String)) -> String {
    assert!(succeeded, "{text}");
    text
}

/// A folder for data and files of its own.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.data()).unwrap();
        std::fs::write(folder.data().join("secrets.json"), shared_keys()).unwrap();
        folder
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// A copy of a fixture: an import leaves files beside its input.
    pub(crate) fn copy(&self, fixture_name: &str) -> PathBuf {
        std::fs::copy(fixture(fixture_name), self.path(fixture_name)).unwrap();
        self.path(fixture_name)
    }

    pub(crate) fn command(&self, verb: &str, file: &Path, arguments: &[&str]) -> Command {
        let mut command = self.bare(verb);
        command.arg(file).args(arguments);
        command
    }

    /// A command about stage development.
    pub(crate) fn bare(&self, verb: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-operate"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") || name.to_string_lossy().starts_with("AUTH__") {
                command.env_remove(name);
            }
        }
        command
            .env("AUTH__EMBEDDED__FOLDER", self.data())
            .arg(verb)
            .args(["--stage", "development"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// What the program says against a table at an endpoint, as against AWS or an emulator of it. Stage development has the
    /// folder's keys.
    pub(crate) fn told_at(&self, endpoint: &str, verb: &str, stage: &str, file: &Path) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-operate"));
        command
            .env_clear()
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_ENDPOINT_URL", endpoint)
            .args([verb, "--stage", stage])
            .arg(file);
        if stage == "development" {
            command.env("AUTH__SECRETS__FILE", self.data().join("secrets.json"));
        }
        told(&command.output().unwrap())
    }

    /// Runs to the end and answers what was told.
    #[track_caller]
    pub(crate) fn run(&self, verb: &str, file: &Path, arguments: &[&str]) -> String {
        succeeded(outcome(&mut self.command(verb, file, arguments)))
    }

    #[track_caller]
    pub(crate) fn import(&self, file: &Path, arguments: &[&str]) -> String {
        self.run("import", file, arguments)
    }

    #[track_caller]
    pub(crate) fn refused(&self, verb: &str, file: &Path, arguments: &[&str]) -> String {
        let output = self.command(verb, file, arguments).output().unwrap();
        let told = told(&output);
        assert!(!output.status.success(), "{told}");
        told
    }

    /// The export without hashes: one line an account, sorted.
    pub(crate) fn exported(&self) -> Vec<String> {
        let file = self.path("all.jsonl");
        let _ = std::fs::remove_file(&file);
        self.run("export", &file, &[]);
        let mut lines: Vec<String> = std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    /// A server over the data.
    pub(crate) async fn serve(&self) -> Served {
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        let port = listeners.first().unwrap().local_addr().unwrap().port();
        let variables = [("AUTH__STAGE", "development".to_owned()), ("AUTH__HTTP__PORT", port.to_string())];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let mut config = Config::load(variables).unwrap();
        let local = Local::start(&mut config, &self.data()).await.unwrap();
        let host = Host {
            connection: local.connection.clone(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            hashing_slots: 2,
        };
        let app = Arc::new(App::new(config, host).unwrap());
        let (stop, stopping) = watch::channel(false);
        let serving = Arc::clone(&app);
        let task = tokio::spawn(serve(serving, StoreGate::of_a_server(), listeners, Vec::new(), stopping));
        Served { base: format!("http://127.0.0.1:{port}"), app, local, stop, task }
    }
}

pub(crate) fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// A running server.
pub(crate) struct Served {
    base: String,
    app: Arc<App>,
    local: Local,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    pub(crate) async fn login(&self, email: &str, password: &str) -> u16 {
        let body: Value = json!({ "email": email, "password": password });
        let client = reqwest::Client::new();
        client.post(format!("{}/v1/login", self.base)).json(&body).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn credential(&self, email: &str) -> Option<Credential> {
        self.app.store.read_credential(&Email::parse(email).unwrap().key()).await.unwrap()
    }

    /// How many sessions somebody has.
    pub(crate) async fn sessions(&self, email: &str) -> usize {
        let user = self.user(email).await;
        self.app.store.list_sessions(user.id, 50, None).await.unwrap().sessions.len()
    }

    pub(crate) async fn user(&self, email: &str) -> User {
        let credential = self.credential(email).await.unwrap();
        self.app.store.read_user(credential.user_id).await.unwrap().unwrap()
    }

    /// The hash as it is stored, unwrapped.
    pub(crate) async fn stored_hash(&self, email: &str) -> Option<String> {
        let credential = self.credential(email).await.unwrap();
        let ring = self.app.secrets.password_wrap(SystemClock.now()).await.unwrap();
        let wrapped = credential.password?;
        Some(password_wrap::unwrap(&wrapped, credential.user_id, &ring).unwrap().to_string())
    }

    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        self.task.await.unwrap();
        drop(self.app);
        self.local.stop().await.unwrap();
    }
}
