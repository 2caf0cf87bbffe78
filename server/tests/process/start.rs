//! A start as a container has it: every fault at once, patience for what may still come, and a check of its own (SA-01,
//! SA-02, SA-04).

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::{engine, keys};

use super::free_port;

/// Two tables of stage production in an engine, and a folder with every ring.
struct Production {
    engine: String,
    keys: TempDir,
    _stop: watch::Sender<bool>,
}

const STAGE: [(&str, &str); 3] = [
    ("AUTH__STAGE", "production"),
    ("AUTH__TOKENS__ISSUER", "https://auth.example.com"),
    ("AUTH__TOKENS__AUDIENCE", "https://api.example.com"),
];
const WHO: [(&str, &str); 3] =
    [("AWS_REGION", "eu-central-1"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")];

impl Production {
    /// Without tables or keys.
    async fn empty() -> Self {
        let (stop, stopping) = watch::channel(false);
        let engine = engine::start(None, stopping).await.unwrap().endpoint_url;
        Self { engine, keys: tempfile::tempdir().unwrap(), _stop: stop }
    }

    async fn whole() -> Self {
        let production = Self::empty().await;
        let config = Config::load(STAGE.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
        engine::create_tables(&Connection::local(production.engine.clone()), &config).await.unwrap();
        production.put_keys();
        production
    }

    fn put_keys(&self) {
        let rings = keys::document(SystemClock.now(), &SystemEntropy).unwrap();
        for (ring, keys) in rings.as_object().unwrap() {
            put(self.keys.path(), ring, keys);
        }
    }

    /// Nothing of whoever runs the tests.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-server"));
        command
            .env_clear()
            .envs(STAGE)
            .envs(WHO)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.engine)
            .env("AUTH__SECRETS__FOLDER", self.keys.path())
            .env("AUTH__HTTP__PORT", free_port().to_string())
            .env("AUTH__OPS__PORT", free_port().to_string())
            .env("AUTH__HTTP__NOTICE_MS", "0")
            .env("AUTH__JOBS__ENABLED", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

/// Whole under another name first, as whatever mounts secrets does.
fn put(folder: &Path, ring: &str, keys: &Value) {
    let fresh = folder.join(".fresh");
    fs::write(&fresh, keys.to_string()).unwrap();
    fs::set_permissions(&fresh, Permissions::from_mode(0o400)).unwrap();
    fs::rename(&fresh, folder.join(ring)).unwrap();
}

/// A server that may not be up yet.
struct Starting {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Starting {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// The next line of the log that says this.
    fn said(&mut self, message: &str) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.log.read_line(&mut line).unwrap(), 0, "it ended before it said {message:?}");
            let line: Value = serde_json::from_str(&line).unwrap();
            if text(&line, "message") == message {
                return line;
            }
        }
    }
}

impl Drop for Starting {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A member of a line of the log; empty where it has none.
fn text<'a>(line: &'a Value, member: &str) -> &'a str {
    line.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// The log's lines that say why it cannot start, as `about` has them.
fn faults(output: &Output) -> Vec<String> {
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let log = String::from_utf8(output.stderr.clone()).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let faults = lines.filter(|line| text(line, "message") == "cannot start");
    let faults = faults.inspect(|fault| assert!(text(fault, "remedy").len() > 20, "{fault}"));
    faults.map(|fault| text(&fault, "about").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_01_a_start_tells_every_fault_at_once() {
    let production = Production::empty().await;
    let output = production.command().env_remove("AUTH__SECRETS__FOLDER").output().unwrap();
    assert_eq!(faults(&output), ["table wardgate-production", "table wardgate-audit-production", "keys"]);

    // Rings one by one: one that is nobody else's business, one without a key for now, one that is none.
    let production = Production::whole().await;
    let folder = production.keys.path();
    fs::set_permissions(folder.join("login_mac"), Permissions::from_mode(0o644)).unwrap();
    put(folder, "session_mac", &json!({ "keys": [] }));
    put(folder, "signing", &json!("s3cret"));
    let output = production.command().output().unwrap();
    assert_eq!(faults(&output), ["key ring signing", "key ring session_mac", "key ring login_mac"]);
    assert!(!String::from_utf8(output.stderr).unwrap().contains("s3cret"));
}

#[test]
fn sec_sa_01_every_mistake_of_the_configuration_is_told_at_once() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-server"));
    let brand = ("AUTH__BRAND__LIGHT__TEXT", "#777777");
    let wrong = [("AUTH__STAGE", "production"), ("AUTH__HTTP__PORT", "0"), ("AUTH__OPS__PROT", "1"), brand];
    let output = command.env_clear().envs(wrong).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(78), "{told}");
    for expected in ["AUTH__TOKENS__ISSUER", "AUTH__TOKENS__AUDIENCE", "AUTH__HTTP__PORT", "AUTH__OPS__PROT", brand.0] {
        assert_eq!(told.lines().filter(|line| line.contains(expected)).count(), 1, "{expected}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_01_a_start_waits_for_what_may_still_come_and_no_longer() {
    let production = Production::whole().await;
    fs::remove_file(production.keys.path().join("mail_mac")).unwrap();
    let output = production.command().env("AUTH__OPS__START_MS", "0").output().unwrap();
    assert_eq!(faults(&output), ["key ring mail_mac"]);

    let mut waiting = Starting::of(production.command());
    assert_eq!(waiting.said("not there yet")["about"], "key ring mail_mac");
    production.put_keys();
    waiting.said("listening");

    // Nobody listens there: whoever waits for it can be stopped.
    let mut command = production.command();
    command.env("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1").env("AUTH__AWS__MAX_ATTEMPTS", "1");
    let mut waiting = Starting::of(command);
    let silent = waiting.said("not there yet");
    assert!(silent["found"].as_str().unwrap().contains("Connection refused"), "{silent}");
    let stopped = Command::new("kill").args(["-s", "TERM", &waiting.child.id().to_string()]).status().unwrap();
    assert!(stopped.success() && waiting.child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_02_it_says_where_it_listens_and_what_it_uses_and_nothing_secret() {
    let production = Production::whole().await;
    let mut server = Starting::of(production.command());
    let line = server.said("listening");
    assert_eq!(line["stage"], "production");
    assert_eq!(line["store"], production.engine);
    assert_eq!(line["keys"], production.keys.path().to_str().unwrap());
    assert!(line["ops"].as_str().unwrap().contains("127.0.0.1:") && line["version"].is_string(), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_04_check_asks_the_server_of_this_machine_whether_it_lives() {
    let production = Production::whole().await;
    let ops = free_port().to_string();
    let asked = || production.command().env("AUTH__OPS__PORT", &ops).arg("check").output().unwrap();
    assert_eq!(asked().status.code(), Some(1));
    let mut command = production.command();
    command.env("AUTH__OPS__PORT", &ops).env("AUTH__OPS__BIND", r#"["0.0.0.0"]"#);
    let mut server = Starting::of(command);
    server.said("listening");
    let alive = asked();
    assert!(alive.status.success(), "{alive:?}");
    drop(server);
    let dead = asked();
    assert!(String::from_utf8(dead.stderr).unwrap().contains(&format!("http://127.0.0.1:{ops}/live")));
    assert_eq!(dead.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_22_metrics_have_an_address_of_their_own_outside_development() {
    let production = Production::whole().await;
    let (port, ops) = (free_port(), free_port());
    let mut command = production.command();
    command.env("AUTH__HTTP__PORT", port.to_string()).env("AUTH__OPS__PORT", ops.to_string());
    let mut server = Starting::of(command);
    server.said("listening");
    let asked = async |port: u16, path: &str| {
        let answer = reqwest::get(format!("http://127.0.0.1:{port}{path}")).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    for (path, status) in [("/v1/me", 401), ("/metrics", 404), ("/live", 404)] {
        assert_eq!(asked(port, path).await.0, status, "{path}");
    }
    let (status, metrics) = asked(ops, "/metrics").await;
    assert!(status == 200 && metrics.contains(r#"endpoint="me""#), "{metrics}");
    for (path, status) in [("/live", 200), ("/ready", 200), ("/health", 404)] {
        assert_eq!(asked(ops, path).await.0, status, "{path}");
    }
}

/// Its mails would be lost.
#[cfg(feature = "standalone")]
#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_11_a_server_that_is_to_send_mails_and_cannot_does_not_start() {
    let production = Production::whole().await;
    let output = production.command().env("AUTH__JOBS__ENABLED", "true").output().unwrap();
    assert_eq!(faults(&output), ["mails"]);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("AUTH__MAIL__TRANSPORT") && log.contains("AUTH__JOBS__ENABLED=false"), "{log}");
    // SES takes no mail from the sender that a laptop has.
    let mut laptops = production.command();
    laptops.envs([("AUTH__JOBS__ENABLED", "true"), ("AUTH__MAIL__TRANSPORT", "ses")]);
    assert_eq!(faults(&laptops.output().unwrap()), ["mails"]);
    let mut unreached = production.command();
    unreached.envs([("AUTH__JOBS__ENABLED", "true"), ("AUTH__MAIL__TRANSPORT", "smtp"), ("AUTH__OPS__START_MS", "0")]);
    unreached.envs([("AUTH__MAIL__SMTP__HOST", "127.0.0.1"), ("AUTH__MAIL__SMTP__PORT", "1")]);
    unreached.env("AUTH__MAIL__SENDER", "no-reply@example.com");
    assert_eq!(faults(&unreached.output().unwrap()), ["mail server"]);
}

/// Nobody would hear of its events.
#[cfg(feature = "standalone")]
#[tokio::test(flavor = "multi_thread")]
async fn sec_sa_12_a_server_that_is_to_tell_of_events_and_cannot_does_not_start() {
    let production = Production::whole().await;
    let secret = production.keys.path().join("webhook");
    let told = |url: &str| {
        let mut command = production.command();
        command.envs([("AUTH__JOBS__ENABLED", "true"), ("AUTH__MAIL__TRANSPORT", "ses"), ("AUTH__OPS__START_MS", "0")]);
        command.env("AUTH__MAIL__SENDER", "no-reply@example.com").env("AUTH__EVENTS__WEBHOOK__URL", url);
        command.env("AUTH__EVENTS__WEBHOOK__SECRET_FILE", &secret).arg("preflight");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let missing = told("https://api.example.com/hooks");
    assert!(missing.starts_with("events: ") && missing.contains("secret"), "{missing}");
    fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert_eq!(told("https://api.example.com/hooks"), "Nothing is missing.\n");
    assert!(told("https://169.254.169.254/").contains("events.webhook.url"), "the node's metadata");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_come_from_wherever_the_chain_finds_them() {
    let production = Production::whole().await;
    let profile = production.keys.path().join("credentials");
    fs::write(&profile, "[default]\naws_access_key_id = local\naws_secret_access_key = local\n").unwrap();
    let preflight = |name: &str, value: &Path| {
        let mut command = production.command();
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env(name, value).arg("preflight").output().unwrap()
    };
    let found = preflight("AWS_SHARED_CREDENTIALS_FILE", &profile);
    assert_eq!(String::from_utf8(found.stdout).unwrap(), "Nothing is missing.\n");
    assert!(found.status.success());
    let nobody = preflight("AWS_SHARED_CREDENTIALS_FILE", Path::new("/nonexistent"));
    let told = String::from_utf8(nobody.stdout).unwrap();
    assert!(told.starts_with("credentials: ") && told.contains("AWS_ACCESS_KEY_ID"), "{told}");
    assert_eq!((nobody.status.code(), told.lines().count()), (Some(78), 1), "{told}");
}
