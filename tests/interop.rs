//! Other people's libraries verify our tokens from the JWKS URL alone, and sign people in. `make test` prepares them; where Python
//! or Node is missing the test says that it was skipped, and `REQUIRE_INTEROP=1` makes that a failure.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use wardgate::clock::{Clock as _, SystemClock};

use crate::harness::applications::{CALLBACK, SECRET, give_secret, leads_to, register, with_applications};
use crate::harness::pages::Browser;
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer, repository};
use crate::token_forgery::forgeries;

/// Genuine and forged tokens of a server, one JSON object a line.
async fn lines(server: &TestServer) -> String {
    let tokens = forgeries(server).await;
    let line = |(index, (name, token)): (usize, &(&str, String))| {
        format!("{}\n", json!({ "name": name, "token": token, "accept": index == 0 }))
    };
    tokens.iter().enumerate().map(line).collect()
}

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn required() -> bool {
    std::env::var_os("REQUIRE_INTEROP").is_some()
}

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub fn is_prepared(name: &str, prepared: &Path) -> bool {
    if !prepared.exists() {
        assert!(!required(), "{name} is not prepared: {} is missing", prepared.display());
        eprintln!("SKIPPED: {name} is not prepared; `make test` does that where its language is installed");
    }
    prepared.exists()
}

/// Whether a program succeeds that is told this, and what it says.
async fn told(program: &Path, arguments: Vec<String>, input: String) -> (bool, String) {
    let program = program.to_owned();
    // The server answers on this runtime: the other library must not block it.
    let output = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(program);
        let child = child.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

async fn verifies(name: &str, program: &Path, script: &str, prepared: PathBuf) {
    if !is_prepared(name, &prepared) {
        return;
    }
    for algorithm in ["RS256", "ES256"] {
        let server = TestServer::with(&[("AUTH__TOKENS__ALGORITHM", algorithm)]).await;
        // Other libraries look at the real clock.
        server.clock.set(SystemClock.now());
        let input = lines(&server).await;
        let jwks = format!("{}/.well-known/jwks.json", server.base.replace("localhost", "127.0.0.1"));
        let arguments = [repository(script).display().to_string(), jwks, server.base.clone(), server.base.clone()];
        let (succeeded, said) = told(program, arguments.into(), input).await;
        assert!(succeeded, "{name} with {algorithm}: {said}");
        assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 14, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_tk_02_pyjwt_accepts_our_tokens_and_refuses_forgeries() {
    let python = repository(".tools/interop-venv/bin/python");
    verifies("PyJWT", &python, "tests/interop/verify.py", python.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_tk_02_jose_accepts_our_tokens_and_refuses_forgeries() {
    let prepared = repository("tests/interop/node_modules/jose");
    verifies("jose", Path::new("node"), "tests/interop/verify.mjs", prepared).await;
}

/// What its library knows of OpenID Connect an application checks: discovery, PKCE, `iss`, `state`, `nonce`, the ID token's
/// signature and claims, that userinfo is of the same person, and how it is told no.
async fn signs_people_in(name: &str, program: &Path, script: &str, prepared: PathBuf) {
    if !is_prepared(name, &prepared) {
        return;
    }
    let server = with_applications().await;
    server.clock.set(SystemClock.now());
    let application = |id: &str, redirect_uri: &str, method: &str| {
        let secret = (method != "none").then_some(SECRET);
        format!("{}\n", json!({ "id": id, "secret": secret, "redirect_uri": redirect_uri, "method": method }))
    };
    let input = [
        application("shop", CALLBACK, "basic"),
        application("shop", CALLBACK, "post"),
        application("page", "https://page.example/callback", "none"),
    ];
    let script = repository(script).display().to_string();
    let arguments = vec![script, server.base.clone(), EMAIL.to_owned(), PASSWORD.to_owned()];
    let (succeeded, said) = told(program, arguments, input.concat()).await;
    assert!(succeeded, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 3, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_03_openid_client_signs_people_in() {
    let prepared = repository("tests/interop/node_modules/openid-client");
    signs_people_in("openid-client", Path::new("node"), "tests/interop/openid_client.mjs", prepared).await;
}

/// OC-11, OC-35: also what refuses has the form that it looks at.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_03_oauth4webapi_signs_people_in_and_finds_each_answer_in_form() {
    let prepared = repository("tests/interop/node_modules/oauth4webapi");
    signs_people_in("oauth4webapi", Path::new("node"), "tests/interop/oauth4webapi.mjs", prepared).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_33_authlib_signs_people_in_by_a_clock_that_is_four_seconds_slow() {
    let python = repository(".tools/interop-venv/bin/python");
    signs_people_in("Authlib", &python, "tests/interop/authlib_client.py", python.clone()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_03_requests_oauth2client_signs_people_in() {
    let python = repository(".tools/interop-venv/bin/python");
    signs_people_in("requests-oauth2client", &python, "tests/interop/requests_client.py", python.clone()).await;
}

/// `examples/web`, as `make web` starts it.
struct Example(Child);

impl Drop for Example {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Example {
    fn start(issuer: &str, port: u16) -> Self {
        let mut child = Command::new("node")
            .arg(repository("examples/web/server.mjs"))
            .envs([("ISSUER", issuer), ("PORT", &port.to_string()), ("CLIENT_ID", "web"), ("CLIENT_SECRET", SECRET)])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert!(said.contains("The example is on"), "{said}");
        Self(child)
    }
}

/// A sign-out elsewhere reaches an application's own session, and no other person's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_oc_41_the_example_on_a_server_signs_out_whoever_has_signed_out_elsewhere() {
    if !is_prepared("examples/web", &repository("examples/web/node_modules/openid-client")) {
        return;
    }
    let server = with_applications().await;
    server.clock.set(SystemClock.now());
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let address = format!("http://localhost:{port}");
    let client = format!(
        "[[client]]\nid = \"web\"\nkind = \"web\"\nname = {{ en = \"Web\" }}\nconsent = \"none\"\n\
         redirect_uris = [\"{address}/callback\"]\nbackchannel_logout_uri = \"{address}/backchannel-logout\"\n\
         grants = [\"authorization_code\", \"refresh_token\"]\nscopes = [\"openid\", \"profile\", \"email\"]\n"
    );
    register(&server, &client).await;
    give_secret(&server, "web").await;
    server.register("grace@example.com", PASSWORD).await;
    let _example = Example::start(&server.base, port);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let open = async |path: &str, cookie: &str| {
        Answer::read(http.get(format!("{address}{path}")).header("cookie", cookie).send().await.unwrap()).await
    };
    let cookie = |answer: &Answer| answer.header("set-cookie").split(';').next().unwrap().to_owned();
    let sign_in = async |email: &str| {
        let began = open("/sign-in", "").await;
        let mut browser = Browser::default();
        let asked = browser.open(&server, began.header("location").strip_prefix(&server.base).unwrap()).await;
        let back = browser.sign_in(&server, &asked, email, PASSWORD).await;
        let callback = leads_to(&back);
        let signed_in = open(callback.strip_prefix(&address).unwrap(), &cookie(&began)).await;
        assert_eq!(signed_in.status, 303, "{}", signed_in.text);
        (browser, cookie(&signed_in))
    };
    let (mut ada, adas) = sign_in(EMAIL).await;
    let (_, graces) = sign_in("grace@example.com").await;
    let is_in = async |cookie: &str| open("/", cookie).await.text.contains("Sign out");
    assert!(is_in(&adas).await && is_in(&graces).await);
    let out = ada.open(&server, "/oauth2/logout").await;
    let shown = ada.open(&server, out.header("location")).await;
    ada.press(&server, &shown, &[]).await;
    server.pump.drain().await.unwrap();
    assert!(!is_in(&adas).await, "the example has not heard of it");
    assert!(is_in(&graces).await, "another person's session ended");
    // What is no logout token of ours ends nothing.
    let forged = http.post(format!("{address}/backchannel-logout")).form(&[("logout_token", "e30.e30.x")]).send().await;
    assert_eq!(forged.unwrap().status(), 400);
    assert!(is_in(&graces).await);
}
