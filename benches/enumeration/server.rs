//! The server that is measured, and how it comes by accounts.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::{engine, keys};
use wardgate_server::serve::{listen, serve};

use crate::PASSWORD;

/// So high that no request of a run meets one.
const LIMITS: [(&str, &str); 3] = [
    ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "1000000"),
    ("AUTH__LIMITS__REGISTER_SOURCE__LIMIT", "1000000"),
    ("AUTH__LIMITS__REGISTER_ADDRESS__LIMIT", "1000000"),
];

pub struct Server {
    /// As in production: an account needs a verified address.
    base: String,
    /// Over the same store, where registering makes the account at once.
    accounts: String,
    http: reqwest::Client,
    _stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("secrets.json");
        let document = keys::document(SystemClock.now(), &SystemEntropy).unwrap();
        std::fs::write(&key_file, document.to_string()).unwrap();
        let config = |require_verified_email: &str| {
            let mut variables = vec![
                ("AUTH__STAGE", "development"),
                ("AUTH__SECRETS__FILE", key_file.to_str().unwrap()),
                ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", require_verified_email),
            ];
            variables.extend(LIMITS);
            Config::load(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
        };
        let (measured, accounts) = (config("true"), config("false"));
        let (stop, stopping) = watch::channel(false);
        let engine = engine::start(None, stopping.clone()).await.unwrap();
        let connection = Connection::local(engine.endpoint_url);
        engine::create_tables(&connection, &measured).await.unwrap();
        Self {
            base: Self::serve(measured, connection.clone(), stopping.clone()).await,
            accounts: Self::serve(accounts, connection, stopping).await,
            http: reqwest::Client::new(),
            _stop: stop,
            _folder: folder,
        }
    }

    async fn serve(config: Config, connection: Connection, stopping: watch::Receiver<bool>) -> String {
        let host =
            Host { connection, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), hashing_slots: 1 };
        let app = Arc::new(App::new(config, host).unwrap());
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        let address = listeners.first().unwrap().local_addr().unwrap();
        tokio::spawn(async move { serve(&app, listeners, stopping).await });
        format!("http://{address}")
    }

    pub async fn make_account(&self, email: &str) {
        let body = json!({ "email": email, "password": PASSWORD });
        let status = self.send(&self.accounts, "/v1/register", &body).await;
        assert!(status < 300, "registering answers {status}");
    }

    /// The status, once the whole answer is there.
    pub async fn post(&self, path: &str, body: &Value) -> u16 {
        self.send(&self.base, path, body).await
    }

    async fn send(&self, base: &str, path: &str, body: &Value) -> u16 {
        let answer = self.http.post(format!("{base}{path}")).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        answer.bytes().await.unwrap();
        status
    }
}
