//! The server that is measured, and how it comes by accounts.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::crypto::password_wrap;
use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::credential::Credential;
use wardgate::domain::email::Email;
use wardgate::domain::id::UserId;
use wardgate::domain::language::Language;
use wardgate::domain::origin::Origin;
use wardgate::domain::password::Password;
use wardgate::domain::request_context::RequestContext;
use wardgate::domain::user::User;
use wardgate::entropy::SystemEntropy;
use wardgate::store::accounts::users::AccountCreation;
use wardgate_server::dev::outbox::Outbox;
use wardgate_server::dev::pump::{Drained, Pump};
use wardgate_server::dev::{engine, keys};
use wardgate_server::serve::{listen, serve};
use wardgate_server::store_gate::StoreGate;
use zeroize::Zeroizing;

use crate::PASSWORD;

/// So high that no request of a run meets one.
const LIMITS: [(&str, &str); 5] = [
    ("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "1000000"),
    ("AUTH__LIMITS__MAIL_SOURCE__LIMIT", "1000000"),
    ("AUTH__LIMITS__MAIL_ALL__LIMIT", "1000000"),
    ("AUTH__LIMITS__REGISTER_SOURCE__LIMIT", "1000000"),
    ("AUTH__LIMITS__REGISTER_ADDRESS__LIMIT", "1000000"),
];

pub struct Server {
    base: String,
    app: Arc<App>,
    /// Of [`PASSWORD`]: hashing it for each account would take longer than what is measured.
    hash: Zeroizing<String>,
    http: reqwest::Client,
    pump: Pump,
    _stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl Server {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("secrets.json");
        let document = keys::document(SystemClock.now(), &SystemEntropy).unwrap();
        std::fs::write(&key_file, document.to_string()).unwrap();
        let mut variables = vec![
            ("AUTH__STAGE", "development"),
            ("AUTH__SECRETS__FILE", key_file.to_str().unwrap()),
            // As in production: an account needs a verified address.
            ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true"),
        ];
        variables.extend(LIMITS);
        let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load(variables).unwrap();
        let (stop, stopping) = watch::channel(false);
        let engine = engine::start(None, stopping.clone()).await.unwrap();
        let connection = Connection::local(engine.endpoint_url);
        engine::create_tables(&connection, &config).await.unwrap();
        let host =
            Host { connection, clock: Arc::new(SystemClock), entropy: Arc::new(SystemEntropy), hashing_slots: 1 };
        let app = Arc::new(App::new(config, host).unwrap());
        let hash = app.hasher.hash(&Password::attempt(PASSWORD).unwrap(), app.entropy.bytes().unwrap()).await.unwrap();
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        let base = format!("http://{}", listeners.first().unwrap().local_addr().unwrap());
        let served = Arc::clone(&app);
        tokio::spawn(serve(served, StoreGate::of_a_server(), listeners, Vec::new(), stopping));
        let pump = Pump::new(Arc::clone(&app), engine.streams, Box::new(Outbox::default()), None);
        Self { base, app, hash, http: reqwest::Client::new(), pump, _stop: stop, _folder: folder }
    }

    /// An account whose address is verified.
    pub async fn make_account(&self, email: &str) {
        let (app, now) = (&self.app, self.app.clock.now());
        let id = UserId::new(now, app.entropy.number().unwrap());
        let user = User { email_verified: true, ..User::new(id, Email::parse(email).unwrap(), None, now) };
        let ring = app.secrets.password_wrap(now).await.unwrap();
        let password = password_wrap::wrap(&self.hash, id, &ring, now, &*app.entropy).unwrap();
        let context = RequestContext {
            now,
            origin: Origin::new(None, None),
            language: Language::default(),
            request_id: "benchmark".to_owned(),
        };
        let audit = app.audit(&context, Subject::User(id), AuditAction::Registered, None).unwrap();
        let credential = Credential::of(&user, Some(password));
        let created = app.store.create_account(&user, &credential, &audit).await.unwrap();
        assert_eq!(created, AccountCreation::Created);
    }

    /// Asks for a code, and lets the mailer do its part, as it has long done when somebody types one: only a known address
    /// gets a sign-in code, and only an unknown one a verification.
    pub async fn begin_flow(&self, path: &str, email: &str) -> String {
        let body = json!({ "email": email, "password": PASSWORD });
        let body = if path == "/v1/register" { body } else { json!({ "email": email }) };
        let answer = self.http.post(format!("{}{path}", self.base)).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        while self.pump.drain().await.unwrap() == Drained::Waiting {}
        answer.get("flow_token").unwrap().as_str().unwrap().to_owned()
    }

    /// The status, once the whole answer is there.
    pub async fn post(&self, path: &str, body: &Value) -> u16 {
        let answer = self.http.post(format!("{}{path}", self.base)).json(body).send().await.unwrap();
        let status = answer.status().as_u16();
        answer.bytes().await.unwrap();
        status
    }
}
