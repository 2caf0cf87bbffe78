//! The server as a process: started, busy, killed, stopped, misconfigured.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "process/browser.rs"]
mod browser;
#[path = "process/engine.rs"]
mod engine;
#[path = "process/programs.rs"]
mod programs;
#[path = "process/replicas.rs"]
mod replicas;
#[path = "process/run.rs"]
mod run;
#[path = "process/second_factor.rs"]
mod second_factor;
#[path = "process/start.rs"]
mod start;
#[path = "process/stop.rs"]
mod stop;

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

const PASSWORD: &str = "violet teapots orbit slowly";

fn command(folder: &Path, port: u16, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wardgate-server"));
    command
        .env("AUTH__STAGE", "development")
        .env("AUTH__EMBEDDED__FOLDER", folder)
        .env("AUTH__HTTP__PORT", port.to_string())
        // As slow as a machine may be that runs all tests at once.
        .env("AUTH__HASHING__MAX_WAIT_MS", "60000")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

#[test]
fn config_prints_what_the_server_would_start_with_and_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let printed = command(&data, 8099, &[("AUTH__LOG__FORMAT", "json")]).arg("config").output().unwrap();
    let text = String::from_utf8(printed.stdout).unwrap();
    assert!(printed.status.success());
    assert!(text.lines().any(|line| line == "http.port = 8099  # AUTH__HTTP__PORT"), "{text}");
    assert!(text.lines().any(|line| line == "log.level = \"info\"  # config/default.toml"), "{text}");
    assert!(!data.exists(), "it made {}", data.display());
    let refused = command(&data, 0, &[]).arg("config").output().unwrap();
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(String::from_utf8(refused.stderr).unwrap().contains("`http.port` from AUTH__HTTP__PORT"));
}

#[test]
fn the_environment_file_is_read_where_the_server_runs_and_named_as_a_source() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "AUTH__LOG__FORMAT=json\nAUTH__HTTP__PORT=1\n").unwrap();
    let printed = |arguments: &[&str]| {
        let data = folder.path().join("data");
        let printed = command(&data, 8099, &[]).args(arguments).current_dir(folder.path()).output().unwrap();
        assert!(printed.status.success(), "{printed:?}");
        String::from_utf8(printed.stdout).unwrap()
    };
    let text = printed(&["config"]);
    assert!(text.lines().any(|line| line == "log.format = \"json\"  # AUTH__LOG__FORMAT from .env"), "{text}");
    assert!(text.lines().any(|line| line == "http.port = 8099  # AUTH__HTTP__PORT"), "{text}");
    let text = printed(&["config", "--deployed"]);
    assert!(!text.contains(".env"), "a function's configuration has nothing of this machine: {text}");
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

struct Server {
    child: Child,
    output: BufReader<ChildStdout>,
    base: String,
    tour: String,
}

impl Server {
    /// Starts one and waits for its tour: it listens by then.
    fn start(folder: &Path) -> Self {
        Self::start_with(folder, &[])
    }

    fn start_with(folder: &Path, variables: &[(&str, &str)]) -> Self {
        Self::start_logging(folder, variables, Stdio::null())
    }

    fn start_logging(folder: &Path, variables: &[(&str, &str)], log: Stdio) -> Self {
        let port = free_port();
        let mut child = command(folder, port, variables).stderr(log).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut tour = String::new();
        while !tour.contains("\nMore: ") {
            assert_ne!(output.read_line(&mut tour).unwrap(), 0, "the server ended: {tour}");
        }
        Self { child, output, base: format!("http://127.0.0.1:{port}"), tour }
    }

    fn signal(&self, name: &str) {
        let killed = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that waits for no answer for ever.
fn client() -> reqwest::Client {
    reqwest::Client::builder().timeout(Duration::from_mins(2)).build().unwrap()
}

async fn post(base: &str, path: &str, body: Value) -> Option<(u16, Value)> {
    let response = client().post(format!("{base}{path}")).json(&body).send().await.ok()?;
    let status = response.status().as_u16();
    Some((status, response.json().await.ok()?))
}

fn refused(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// PL-02: whatever is asked for, at the noisiest level, nothing secret or personal reaches logs, metrics or errors.
#[tokio::test]
async fn sec_pl_02_planted_canaries_never_reach_logs_metrics_or_error_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let noisy = [("AUTH__LOG__LEVEL", "trace"), ("AUTH__LOG__FORMAT", "json")];
    let server =
        Server::start_logging(&folder.path().join("data"), &noisy, std::fs::File::create(&log).unwrap().into());
    let (email, password) = ("canary-mailbox@example.com", "canary-password orbits slowly");
    let credentials = json!({ "email": email, "password": password });
    let named = json!({ "email": email, "password": password, "name": "Canary-Name" });
    let registered = post(&server.base, "/v1/register", named).await.unwrap().1;
    let signed_in = post(&server.base, "/v1/login", credentials).await.unwrap().1;
    let token = signed_in["refresh_token"].as_str().unwrap().to_owned();
    let access = signed_in["access_token"].as_str().unwrap().to_owned();
    let mut bodies = Vec::new();
    for (path, body) in [
        ("/v1/login", json!({ "email": email, "password": "canary-password is another" })),
        ("/v1/login", json!({ "email": email, "password": { "canary-password": 1 } })),
        ("/v1/register", json!({ "email": "canary-mailbox@localhost", "password": password })),
        ("/v1/register", json!({ "email": email, "password": "canary-pass" })),
        ("/v1/token/refresh", json!({ "refresh_token": format!("{token}A") })),
        ("/v1/logout", json!({ "refresh_token": format!("{token}A") })),
    ] {
        let (status, answer) = post(&server.base, path, body).await.unwrap();
        assert!(status >= 400, "{path}");
        bodies.push(answer.to_string());
    }
    let client = client();
    for path in ["/v1/me", "/v1/sessions?limit=1&cursor=canary-password", "/v1/sessions?canary-mailbox=1"] {
        client.get(format!("{}{path}", server.base)).bearer_auth(&access).send().await.unwrap();
    }
    post(&server.base, "/v1/token/refresh", json!({ "refresh_token": token })).await.unwrap();
    let metrics = client.get(format!("{}/metrics", server.base)).send().await.unwrap().text().await.unwrap();
    server.signal("TERM");
    drop(server);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains(r#""endpoint":"login""#), "the log is empty: {log}");
    let secret_parts = |token: &str| token.split('.').skip(1).map(str::to_owned).collect::<Vec<_>>();
    let flow = registered["flow_token"].as_str().unwrap().to_owned();
    let mut canaries = vec!["canary-mailbox".to_owned(), "canary-pass".to_owned(), "Canary-Name".to_owned()];
    canaries.extend([&token, &access, &flow].into_iter().flat_map(|token| secret_parts(token)));
    for canary in canaries {
        assert!(!log.contains(&canary), "{canary} is in the log");
        assert!(!metrics.contains(&canary), "{canary} is in the metrics");
        // A member's own name may be told back; what it holds may not.
        let told = bodies.iter().find(|body| body.contains(&canary));
        assert_eq!(told, None, "{canary} is in an error");
    }
}

#[test]
fn every_line_of_the_tour_works_when_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (_, lines) = server.tour.split_once("# register").unwrap();
    let (lines, _) = lines.split_once("\nMore: ").unwrap();
    let text = run::run(Command::new("sh").arg("-c").arg(format!("# {lines}")));
    let said = |needle: &str| assert!(text.contains(needle), "{needle} is missing in {text}");
    said(r#""status":"verification_sent""#);
    said(r#""status":"signed_in""#);
    said(r#""email":"ada@example.com""#);
    said(r#""current":true"#);
    said("\n204\n");
    said("The session has ended. Sign in again.");
    assert_eq!(text.matches(r#""status":"signed_in""#).count(), 2, "sign-in and refresh: {text}");
}

#[tokio::test]
async fn the_demo_user_signs_in_and_data_and_keys_outlive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let demo = json!({ "email": "demo@example.com", "password": "tulips lean over quiet canals" });
    let (status, signed_in) = post(&server.base, "/v1/login", demo).await.unwrap();
    assert_eq!(status, 200, "{signed_in}");
    drop(server);
    let server = Server::start(folder.path());
    let body = json!({ "refresh_token": signed_in["refresh_token"] });
    let (status, refreshed) = post(&server.base, "/v1/token/refresh", body).await.unwrap();
    assert_eq!(status, 200, "{refreshed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_a_busy_server_loses_no_acknowledged_write() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let (acknowledged, next) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let clients = (0..8).map(|_| {
        let (base, acknowledged, next) = (server.base.clone(), Arc::clone(&acknowledged), Arc::clone(&next));
        tokio::spawn(async move {
            loop {
                let email = format!("user{}@example.com", next.fetch_add(1, Ordering::SeqCst));
                let credentials = json!({ "email": email, "password": PASSWORD });
                let registered = post(&base, "/v1/register", credentials.clone()).await;
                if registered.is_none_or(|(status, _)| status != 202) {
                    return;
                }
                let signed_in = post(&base, "/v1/login", credentials).await;
                let session = signed_in.filter(|(status, _)| *status == 200).map(|(_, body)| body);
                let dead = session.is_none();
                acknowledged.lock().unwrap().push((email, session));
                if dead {
                    return;
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    while acknowledged.lock().unwrap().len() < 40 {
        assert!(!clients.iter().all(JoinHandle::is_finished), "every client was turned away");
        tokio::task::yield_now().await;
    }
    server.signal("KILL");
    join_all(clients).await;
    drop(server);

    let server = Server::start(folder.path());
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert!(acknowledged.len() >= 40);
    for (email, session) in acknowledged {
        let login = post(&server.base, "/v1/login", json!({ "email": email, "password": PASSWORD })).await.unwrap();
        assert_eq!(login.0, 200, "{email} registered and is gone: {}", login.1);
        if let Some(session) = session {
            let body = json!({ "refresh_token": session["refresh_token"] });
            let (status, answer) = post(&server.base, "/v1/token/refresh", body).await.unwrap();
            assert_eq!(status, 200, "the session of {email} is gone: {answer}");
        }
    }
}

#[tokio::test]
async fn the_demo_user_signs_in_whatever_others_have_to_verify() {
    let folder = tempfile::tempdir().unwrap();
    let verified = [("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")];
    let server = Server::start_with(folder.path(), &verified);
    let demo = json!({ "email": "demo@example.com", "password": "tulips lean over quiet canals" });
    assert_eq!(post(&server.base, "/v1/login", demo).await.unwrap().0, 200);
}

#[test]
fn ctrl_c_and_sigterm_end_it_cleanly() {
    for signal in ["INT", "TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start(folder.path());
        server.signal(signal);
        let mut rest = String::new();
        server.output.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("Wardgate has stopped."), "{signal}: {rest}");
        assert!(server.child.wait().unwrap().success(), "{signal}");
    }
}

#[test]
fn a_busy_port_is_a_clear_message_and_touches_no_data() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let message = refused(&command(&data, port, &[]).output().unwrap());
    let expected = format!("wardgate: port {port} is in use on 127.0.0.1");
    assert!(message.contains(&expected) && message.contains("AUTH__HTTP__PORT"), "{message}");
    assert!(!data.exists());
}

#[test]
fn two_servers_do_not_share_a_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Server::start(folder.path());
    let message = refused(&command(folder.path(), free_port(), &[]).output().unwrap());
    assert!(message.contains("another server uses the data folder"), "{message}");
}

#[test]
fn the_tours_page_shows_what_the_server_prints() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/start/tour.md")).unwrap();
    let tour = wardgate_server::dev::tour::tour("http://localhost:8080");
    for line in tour.lines().filter(|line| line.starts_with(['#', '$']) || line.contains("curl ") || line.contains('='))
    {
        assert!(page.contains(line), "docs/start/tour.md has no line {line}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let start = |name, value| refused(&command(folder.path(), free_port(), &[(name, value)]).output().unwrap());
    assert!(start("AUTH__HTTP__PROT", "1").starts_with("wardgate: unknown key `http.prot` from AUTH__HTTP__PROT"));
    assert!(start("AUTH__LOG__FORMAT", "loud").contains("log.format"));
    assert!(start("AUTH__STAGE", "prod").contains("AUTH__STAGE must be development, staging or production"));
}

#[test]
fn sec_pl_06_the_embedded_store_needs_stage_development_and_a_loopback_bind() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let stage = [
        ("AUTH__STAGE", "staging"),
        ("AUTH__TOKENS__ISSUER", "https://auth.example.com"),
        ("AUTH__TOKENS__AUDIENCE", "x"),
    ];
    let message = refused(&command(&data, free_port(), &stage).output().unwrap());
    assert!(message.contains("embedded.folder") && message.contains("PL-06"), "{message}");
    let bind = [("AUTH__HTTP__BIND", r#"["0.0.0.0"]"#)];
    let message = refused(&command(&data, free_port(), &bind).output().unwrap());
    assert!(message.contains("loopback"), "{message}");
    assert!(!data.exists());
}

#[test]
fn sec_tk_05_the_key_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _server = Server::start(&data);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("secrets.json"))), (0o700, 0o600));
}
