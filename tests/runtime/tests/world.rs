//! A store and keys of its own for each test, and functions that use them.

use std::sync::{Arc, OnceLock};

use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate_runtime_tests::binaries::function_binary;
use wardgate_runtime_tests::environment::{self, Variables};
use wardgate_runtime_tests::function::Function;
use wardgate_runtime_tests::golden::{SignedIn, registration};
use wardgate_server::dev::outbox::Outbox;
use wardgate_server::dev::pump::{Drained, Pump};
use wardgate_server::dev::{demo_clients, engine, keys};

use crate::gateway::{Answer, golden};
use crate::line::Relay;

/// What tokens are for, and what the authorizer guards.
const AUDIENCE: &str = "https://api.example.com";

pub struct World {
    /// The way to the store.
    pub relay: Relay,
    more: Vec<(&'static str, &'static str)>,
    outbox: Arc<Outbox>,
    /// What sends the mails that the functions order.
    pump: Pump,
    folder: tempfile::TempDir,
    /// Stops the engine when dropped.
    _stop: watch::Sender<bool>,
}

impl World {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With variables on top for every function.
    pub async fn with(more: &[(&'static str, &'static str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secrets.json"), shared_keys()).unwrap();
        let (stop, stopping) = watch::channel(false);
        let engine = engine::start(None, stopping).await.unwrap();
        let keys = folder.path().join("secrets.json").to_str().unwrap().to_owned();
        let own = [("AUTH__STAGE", "development"), ("AUTH__SECRETS__FILE", &keys)];
        let variables = own.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(variables).unwrap();
        let address = engine.endpoint_url.trim_start_matches("http://").parse().unwrap();
        let connection = Connection::local(engine.endpoint_url);
        engine::create_tables(&connection, &config).await.unwrap();
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let app = App::new(config, Host { connection, clock, entropy, hashing_slots: 1 }).unwrap();
        demo_clients::ensure(&app).await.unwrap();
        let outbox = Arc::new(Outbox::default());
        let pump = Pump::new(Arc::new(app), engine.streams, Box::new(Arc::clone(&outbox)), None);
        Self { relay: Relay::start(address).await, more: more.to_vec(), outbox, pump, folder, _stop: stop }
    }

    /// The text of the newest mail to an address, once everything that has happened has led to its mails.
    pub async fn newest_mail(&self, to: &str) -> String {
        assert_eq!(self.pump.drain().await.unwrap(), Drained::Empty);
        self.outbox.mails(Some(to)).pop().unwrap_or_else(|| panic!("no mail to {to}")).text
    }

    /// The variables of the function `name`.
    pub fn variables(&self, name: &str) -> Variables {
        let mut variables = environment::lambda(name);
        let store = format!("http://{}", self.relay.address);
        let keys = self.folder.path().join("secrets.json").to_str().unwrap().to_owned();
        let own = [
            ("AUTH__AUTHORIZER__AUDIENCE", AUDIENCE),
            ("AUTH__EDGE__DROPS_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/edge-drop"),
            ("AUTH__EDGE__STORE_ARN", "arn:aws:cloudfront::123456789012:key-value-store/4d2b1c1f"),
            ("AUTH__MAIL__EVENT_BUS", "wardgate-development"),
            ("AUTH__MAIL__QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/123456789012/mail.fifo"),
            ("AUTH__TOKENS__AUDIENCE", AUDIENCE),
            ("AUTH__LOG__FORMAT", "json"),
            ("AUTH__SECRETS__FILE", &keys),
            ("AUTH__STAGE", "development"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &store),
        ];
        let all = own.iter().chain(&self.more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        variables.extend(all);
        variables
    }

    /// Starts the function `name`, and waits until it is initialised.
    pub async fn function(&self, name: &str) -> Function {
        Function::start(&function_binary(name), &self.variables(name)).await
    }

    /// Registers the user of `events/login` and signs in, through the functions.
    pub async fn signed_in(&self) -> SignedIn {
        self.registered().await;
        let answer = self.function("login").await.invoke(&golden("login/ok")).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
        SignedIn::of(&answer)
    }

    /// Registers the user of `events/login`.
    pub async fn registered(&self) {
        let answer = Answer::of(self.function("register").await.invoke(&registration()).await);
        assert_eq!(answer.status_code, 202, "{answer:?}");
    }
}

/// Making an RSA key takes a while: every world of a test run has the same ones.
fn shared_keys() -> &'static str {
    static KEYS: OnceLock<String> = OnceLock::new();
    KEYS.get_or_init(|| keys::document(SystemClock.now(), &SystemEntropy).unwrap().to_string())
}
