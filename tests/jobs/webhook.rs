//! Events to a webhook (SA-12): a receiver over TLS in Python, which has another library say what the signatures are worth.

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reqwest::Method;
use serde_json::Value;
use wardgate::config::Config;
use wardgate::outbound::webhook::Webhook;
use wardgate_server::jobs::Jobs;

use super::work;
use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer, repository};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct Receiver {
    child: Child,
    said: Lines<BufReader<ChildStdout>>,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // Already gone is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the receiver has to say of a message.
#[derive(Debug, PartialEq, Eq)]
struct Delivery {
    status: String,
    id: String,
    verdict: String,
    body: Value,
}

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn required() -> bool {
    std::env::var_os("REQUIRE_INTEROP").is_some()
}

fn pem(kind: &str, der: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(der))
}

impl Receiver {
    /// None where Python is not prepared.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    fn start() -> Option<Self> {
        let python = repository(".tools/interop-venv/bin/python");
        if !python.exists() {
            assert!(!required(), "standardwebhooks is not prepared: {} is missing", python.display());
            eprintln!("SKIPPED: standardwebhooks is not prepared; `make test` does that where Python is installed");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        file("ca.pem", pem("CERTIFICATE", issuer.der()));
        file("certificate.pem", pem("CERTIFICATE", certificate.der()));
        file("key.pem", pem("PRIVATE KEY", &key.serialize_der()));
        // One takes over from the other.
        file("secret", format!("whsec_{}\n{SECRET}\n", STANDARD.encode([7; 32])));
        file("status", "200".to_owned());
        let path = |name: &str| folder.path().join(name);
        let mut child = Command::new(python)
            .arg(repository("tests/interop/webhook_receiver.py"))
            .args([path("certificate.pem"), path("key.pem"), SECRET.into(), path("status")])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = said.next().unwrap().unwrap().parse().unwrap();
        Some(Self { child, said, folder, port })
    }

    fn answers(&self, status: u16) {
        std::fs::write(self.folder.path().join("status"), status.to_string()).unwrap();
    }

    fn next(&mut self) -> Delivery {
        let line = self.said.next().unwrap().unwrap();
        let mut words = line.splitn(4, ' ').map(str::to_owned);
        let mut word = || words.next().unwrap();
        Delivery { status: word(), id: word(), verdict: word(), body: serde_json::from_str(&word()).unwrap() }
    }

    fn configure(&self, config: &mut Config, host: &str, allowed: &[&str]) {
        let webhook = &mut config.events.webhook;
        webhook.url = Some(format!("https://{host}:{}/hooks", self.port));
        webhook.secret_file = Some(self.folder.path().join("secret"));
        webhook.ca_file = Some(self.folder.path().join("ca.pem"));
        webhook.allowed_networks = allowed.iter().map(|network| network.parse().unwrap()).collect();
    }

    async fn server(&self) -> (TestServer, Jobs) {
        let server = TestServer::start().await;
        let server = server.configured(|config| self.configure(config, "localhost", &["127.0.0.0/8", "::1/128"])).await;
        let jobs = Jobs::telling(&server.app, server.connection(), Box::new(server.mail_edge.clone())).unwrap();
        (server, jobs)
    }
}

async fn waiting(server: &TestServer) -> usize {
    server.items(TABLE, "EVENTRETRY").await.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_sa_12_events_are_told_in_order_and_another_library_believes_their_signatures() {
    let Some(mut receiver) = Receiver::start() else { return };
    let (server, mut jobs) = receiver.server().await;
    server.signed_in().await;
    work(&mut jobs).await;
    let (created, started) = (receiver.next(), receiver.next());
    assert_eq!((created.verdict.as_str(), started.verdict.as_str()), ("signed", "signed"));
    assert_eq!([&created.body["type"], &started.body["type"]], ["account.created", "session.started"]);
    assert_eq!(created.body["data"]["id"], created.id.as_str());
    assert_eq!(created.body["data"]["user_id"], started.body["data"]["user_id"]);
    assert_eq!(waiting(&server).await, 0);
    assert!(!created.body.to_string().contains(EMAIL), "events have no personal data");
}

/// What is not taken waits, and all that happens to the same user waits behind it; others are told meanwhile. A redirect is
/// not followed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_sa_12_what_is_not_taken_is_told_again_and_each_user_s_in_order() {
    let Some(mut receiver) = Receiver::start() else { return };
    let (server, mut jobs) = receiver.server().await;
    let token = server.signed_in().await.string("access_token");
    receiver.answers(307);
    work(&mut jobs).await;
    let refused = receiver.next();
    assert_eq!((refused.status.as_str(), &refused.body["type"]), ("307", &Value::from("account.created")));
    assert_eq!(waiting(&server).await, 2, "one was tried, and one waits behind it");
    assert_eq!(server.arrived(EMAIL).len(), 1, "mails do not wait for the receiver");
    receiver.answers(200);
    // Long enough for the receiver to be asked again, and not long enough for what waits.
    server.clock.advance(9);
    assert_eq!(server.as_bearer(Method::POST, "/v1/logout", &token).await.status, 204);
    work(&mut jobs).await;
    assert_eq!(waiting(&server).await, 3);
    server.clock.advance(2);
    server.register("grace@example.com", PASSWORD).await;
    work(&mut jobs).await;
    let told: Vec<Delivery> = (0..4).map(|_| receiver.next()).collect();
    assert!(told.iter().all(|delivery| delivery.verdict == "signed"));
    let user = &refused.body["data"]["user_id"];
    let (own, others): (Vec<_>, Vec<_>) = told.iter().partition(|delivery| delivery.body["data"]["user_id"] == *user);
    let own: Vec<&str> = own.iter().map(|delivery| delivery.body["type"].as_str().unwrap()).collect();
    assert_eq!(own, ["account.created", "session.started", "session.ended"]);
    assert_eq!(others.len(), 1);
    assert!(told.iter().any(|delivery| delivery.id == refused.id), "under the id that it had");
    assert_eq!(waiting(&server).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_sa_12_a_name_that_leads_to_a_private_address_is_not_told_unless_it_is_listed() {
    let Some(receiver) = Receiver::start() else { return };
    let server = TestServer::start().await;
    let told = async |host: &str, allowed: &[&str]| {
        let mut config = server.app.config.clone();
        receiver.configure(&mut config, host, allowed);
        let webhook = Webhook::new(&config).map_err(|error| error.to_string())?;
        webhook.post("id", "{}", server.context().now).await.map_err(|error| error.to_string())
    };
    assert!(told("localhost", &[]).await.unwrap_err().contains("connection failed"));
    assert!(told("localhost", &["10.0.0.0/8"]).await.unwrap_err().contains("connection failed"));
    assert!(told("127.0.0.1", &[]).await.unwrap_err().contains("events.webhook.url"));
    assert_eq!(told("127.0.0.1", &["127.0.0.0/8"]).await, Ok(()));
    assert_eq!(told("localhost", &["127.0.0.1/32", "::1/128"]).await, Ok(()));
}
