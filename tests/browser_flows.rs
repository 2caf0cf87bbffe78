//! What only a browser knows about signing in to applications: which cookies another site's link or form is sent with, what a
//! policy holds back, tabs, frames, the way back. `make test` prepares the browser; where it cannot be had the test says that it
//! was skipped, and `REQUIRE_INTEROP=1` makes that a failure.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use wardgate::clock::{Clock as _, SystemClock};
use wardgate::use_cases::clients::{Registry, carry_out, plan};

use crate::harness::applications::{SECRET, give_secret};
use crate::harness::{ManualClock, TestServer, repository};
use crate::interop::is_prepared;

/// How often the clock goes on while a browser is at work.
const TICK: Duration = Duration::from_millis(20);

/// As the script describes them.
fn registry([shop, page, guest]: [u16; 3]) -> Registry {
    let text = format!(
        r#"
[[client]]
id = "shop"
kind = "web"
name = {{ en = "Shop" }}
redirect_uris = ["http://localhost:{shop}/callback"]
post_logout_redirect_uris = ["http://localhost:{shop}/bye"]
scopes = ["openid", "email"]
consent = "none"

[[client]]
id = "page"
kind = "spa"
name = {{ en = "Page" }}
redirect_uris = ["http://localhost:{page}/callback"]
scopes = ["openid", "email"]
consent = "none"

[[client]]
id = "guest"
kind = "spa"
name = {{ en = "Guest" }}
redirect_uris = ["http://localhost:{guest}/callback"]
scopes = ["openid", "email"]

[[client]]
id = "cli"
kind = "native"
name = {{ en = "Command line" }}
redirect_uris = ["http://127.0.0.1/callback", "http://[::1]/callback", "com.example.cli:/callback"]
scopes = ["openid", "email"]
consent = "none"
"#
    );
    toml::from_str(&text).unwrap()
}

/// The browser's program, if this machine has one.
#[expect(clippy::disallowed_methods, reason = "asks the machine that runs the test, not the configuration")]
fn browser() -> PathBuf {
    let folders: Vec<PathBuf> = std::env::var_os("PATH").iter().flat_map(std::env::split_paths).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let mut programs = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    programs.find(|program| program.exists()).unwrap_or_else(|| "/nowhere/chromium".into())
}

/// Ports that were free a moment ago.
fn free_ports() -> [u16; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Runs the script, and moves the clock when it asks for that: whether it succeeds, and what it says.
fn walk(arguments: Vec<String>, clock: &ManualClock) -> (bool, String) {
    let mut node = Command::new("node");
    let mut node = node.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut moved = node.stdin.take().unwrap();
    let mut said = String::new();
    for line in BufReader::new(node.stdout.take().unwrap()).lines().map(Result::unwrap) {
        if let Some(seconds) = line.strip_prefix("clock ") {
            clock.advance(seconds.parse().unwrap());
            writeln!(moved, "moved").unwrap();
        }
        said.push_str(&line);
        said.push('\n');
    }
    (node.wait().unwrap().success(), said)
}

/// OC-13, OC-16, OC-17, OC-18, OC-19, OC-20, OC-22, OC-23, OC-27, OC-29, OC-30, OC-32, SE-06, SE-07: the service on localhost,
/// applications on other sites, no JavaScript; then without cookies, and by keyboard at 320 px.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_16_sec_oc_31_applications_sign_people_in_in_a_browser_without_javascript() {
    let browser = browser();
    let packages = ["playwright-core", "axe-core"].map(|name| repository("tests/browser/node_modules").join(name));
    if ![&browser, &packages[0], &packages[1]].into_iter().all(|needed| is_prepared("the browser", needed)) {
        return;
    }
    let ports @ [shop, ..] = free_ports();
    let origins = format!(r#"["http://localhost:{shop}"]"#);
    let server = TestServer::with(&[("AUTH__HTTP__ALLOWED_ORIGINS", &origins)]).await;
    server.clock.set(SystemClock.now());
    for step in plan(&server.app, &registry(ports), false).await.unwrap() {
        carry_out(&server.app, &server.context(), &step).await.unwrap();
    }
    give_secret(&server, "shop").await;
    let clock = Arc::clone(&server.clock);
    let ticking = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            clock.advance_millis(20);
        }
    });
    let script = repository("tests/browser/flows.mjs").display().to_string();
    let (browser, clock) = (browser.display().to_string(), Arc::clone(&server.clock));
    let mut arguments = vec![script, browser, server.base.clone()];
    arguments.extend(ports.map(|port| port.to_string()));
    arguments.extend([SECRET, "clock"].map(str::to_owned));
    let (succeeded, said) = tokio::task::spawn_blocking(move || walk(arguments, &clock)).await.unwrap();
    ticking.abort();
    assert!(succeeded, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 20, "{said}");
}
