//! A real server on a random port, over a real engine, with a clock that the test moves.

pub mod applications;
pub mod cloudformation;
pub mod deployed_functions;
pub mod mail_edge;
pub mod mailbox;
pub mod mailed;
pub mod mailed_code;
pub mod outbound_services;
pub mod pages;
pub mod passkey;
pub mod relying_party;
pub mod restored_table;
pub mod second_factor;
pub mod secret_versions;
pub mod secrets_manager;
pub mod store_edge;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use wardgate::app::{App, Host};
use wardgate::aws::Connection;
use wardgate::clock::Clock;
use wardgate::config::Config;
use wardgate::domain::email::Email;
use wardgate::domain::language::Language;
use wardgate::domain::origin::Origin;
use wardgate::domain::request_context::RequestContext;
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::SystemEntropy;
use wardgate::store::client::build;
use wardgate_server::dev::outbox::Outbox;
use wardgate_server::dev::pump::Pump;
use wardgate_server::dev::{engine, keys, outbox};
use wardgate_server::serve::{listen, serve_router};
use wardgate_server::store_gate::StoreGate;

use mail_edge::MailEdge;
pub use mailbox::{code, link_token};
use secrets_manager::SecretsManager;
use store_edge::StoreEdge;

/// More calls to the store than any test makes at a time: a machine that is slow sheds nothing.
const MANY: usize = 10_000;
/// For longer than any test takes.
const PATIENT: Duration = Duration::from_hours(1);
/// When tests begin.
pub const START: Timestamp = Timestamp::from_millis(1_772_368_200_000);
/// A password that every policy takes. The tour and the golden events sign in with it too.
pub const PASSWORD: &str = "analytical engines hum";
/// Another one.
pub const OTHER_PASSWORD: &str = "crimson kettles drift eastward";
/// An address.
pub const EMAIL: &str = "ada@example.com";

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn advance_millis(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub fn advance(&self, seconds: i64) {
        self.advance_millis(seconds * 1000);
    }

    pub fn set(&self, to: Timestamp) {
        self.0.store(to.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// A running server with an empty store of its own.
pub struct TestServer {
    pub base: String,
    pub app: Arc<App>,
    pub clock: Arc<ManualClock>,
    pub store: StoreEdge,
    pub gate: Arc<StoreGate>,
    pub key_file: PathBuf,
    pub secrets_manager: SecretsManager,
    pub mail_edge: MailEdge,
    pub pump: Arc<Pump>,
    outbox: Arc<Outbox>,
    http: reqwest::Client,
    dynamodb: aws_sdk_dynamodb::Client,
    connection: Connection,
    stop: watch::Sender<bool>,
    folder: Arc<tempfile::TempDir>,
}

/// A reply, read whole.
#[derive(Debug, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    #[track_caller]
    pub fn string(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.text)).to_owned()
    }

    /// The first member at fault and its code.
    #[track_caller]
    pub fn fault(&self) -> (String, String) {
        let error = &self.json()["errors"][0];
        (error["member"].as_str().unwrap_or_default().to_owned(), error["code"].as_str().unwrap_or_default().to_owned())
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl TestServer {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With variables on top of stage development's configuration.
    pub async fn with(variables: &[(&str, &str)]) -> Self {
        // On the heap: whoever starts several servers would have each on the stack.
        Box::pin(Self::build(variables, false, MANY)).await
    }

    /// With keys from Secrets Manager instead of a file.
    pub async fn with_secrets_manager(variables: &[(&str, &str)]) -> Self {
        Box::pin(Self::build(variables, true, MANY)).await
    }

    /// With so many calls to the store at a time, however long others have to wait.
    pub async fn asking_the_store(calls: usize) -> Self {
        Box::pin(Self::build(&[], false, calls)).await
    }

    async fn build(variables: &[(&str, &str)], secrets_manager: bool, calls: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("secrets.json");
        std::fs::write(&key_file, shared_keys()).unwrap();
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        let port = listeners[0].local_addr().unwrap().port().to_string();
        let mut environment = vec![
            ("AUTH__STAGE", "development"),
            ("AUTH__HTTP__PORT", &port),
            ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "10000"),
            ("AUTH__AWS__OPERATION_TIMEOUT_MS", "30000"),
            ("AUTH__HTTP__REQUEST_DEADLINE_MS", "60000"),
            ("AUTH__HASHING__MAX_WAIT_MS", "30000"),
        ];
        environment.push(if secrets_manager {
            ("AUTH__SECRETS__PREFIX", secrets_manager::PREFIX)
        } else {
            ("AUTH__SECRETS__FILE", key_file.to_str().unwrap())
        });
        // Of two values of a variable, the configuration would take whichever sorts last.
        environment.retain(|(name, _)| variables.iter().all(|(given, _)| given != name));
        environment.extend_from_slice(variables);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(environment).unwrap();

        let (stop, stopping) = watch::channel(false);
        let engine = engine::start(None, stopping.clone()).await.unwrap();
        let direct = Connection::local(engine.endpoint_url);
        engine::create_tables(&direct, &config).await.unwrap();
        let dynamodb = build(&direct, config.aws);
        let store = StoreEdge::new(direct.http_client.clone());
        let secrets_manager = SecretsManager::new(SharedHttpClient::new(store.clone()), shared_keys());
        let gate = StoreGate::new(calls, PATIENT);
        let connection =
            gate.before(Connection { http_client: SharedHttpClient::new(secrets_manager.clone()), ..direct });
        let clock = Arc::new(ManualClock(AtomicI64::new(START.millis())));
        let app = app(config, connection.clone(), &clock);
        let outbox = Arc::new(Outbox::default());
        let mail_edge = MailEdge::new(Arc::clone(&outbox));
        let pump = Pump::new(Arc::clone(&app), engine.streams, Box::new(mail_edge.clone()), None);
        let server = Self {
            base: format!("http://localhost:{port}"),
            app,
            mail_edge,
            pump: Arc::new(pump),
            outbox,
            clock,
            store,
            gate,
            key_file,
            secrets_manager,
            // Where an answer leads is for the tests to see.
            http: reqwest::Client::builder().pool_max_idle_per_host(64).redirect(Policy::none()).build().unwrap(),
            dynamodb,
            connection,
            stop,
            folder: Arc::new(folder),
        };
        server.listen(listeners).await;
        server
    }

    /// Another process over the same store, keys and clock, which has read nothing yet.
    pub async fn restarted(&self) -> Self {
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        let server = Self {
            base: format!("http://localhost:{}", listeners[0].local_addr().unwrap().port()),
            app: app(self.app.config.clone(), self.connection.clone(), &self.clock),
            clock: Arc::clone(&self.clock),
            store: self.store.clone(),
            gate: Arc::clone(&self.gate),
            key_file: self.key_file.clone(),
            secrets_manager: self.secrets_manager.clone(),
            mail_edge: self.mail_edge.clone(),
            pump: Arc::clone(&self.pump),
            outbox: Arc::clone(&self.outbox),
            http: self.http.clone(),
            dynamodb: self.dynamodb.clone(),
            connection: self.connection.clone(),
            stop: self.stop.clone(),
            folder: Arc::clone(&self.folder),
        };
        server.listen(listeners).await;
        server
    }

    /// Another process over the same store and clock, configured otherwise, which has read nothing yet. What it sends mails
    /// from begins at the stream's beginning.
    pub async fn configured(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.app.config.clone();
        change(&mut config);
        let mut server = self.restarted().await;
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        server.base = format!("http://localhost:{}", listeners[0].local_addr().unwrap().port());
        server.app = app(config, self.connection.clone(), &self.clock);
        let streams = self.pump.streams().clone();
        server.pump = Arc::new(Pump::new(Arc::clone(&server.app), streams, Box::new(self.mail_edge.clone()), None));
        server.listen(listeners).await;
        server
    }

    /// Serves, and asks for what reads nothing but the operators' settings: as a function does when it starts. What a test
    /// counts is then the requests' own.
    async fn listen(&self, listeners: Vec<TcpListener>) {
        let router = outbox::router(&self.app, &self.pump, &self.outbox);
        tokio::spawn(serve_router(
            Arc::clone(&self.app),
            Arc::clone(&self.gate),
            router,
            listeners,
            self.stop.subscribe(),
        ));
        // Behind an edge it is refused, like whatever shows no secret.
        let http = &self.app.config.http;
        let expected = if http.edge_only && !http.edge_digests.is_empty() { 403 } else { 200 };
        assert_eq!(self.get("/.well-known/openid-configuration").await.status, expected);
        self.store.reset();
    }

    /// Another process over the same store, keys and clock, whose requests pass an edge of their own.
    pub async fn beside_itself(&self) -> Self {
        let direct = Connection::local(self.connection.endpoints.dynamodb.clone().unwrap());
        let store = StoreEdge::new(direct.http_client.clone());
        let connection = Connection { http_client: SharedHttpClient::new(store.clone()), ..direct };
        let mut server = self.restarted().await;
        let listeners = listen(&["127.0.0.1".parse().unwrap()], 0).await.unwrap();
        server.base = format!("http://localhost:{}", listeners[0].local_addr().unwrap().port());
        server.app = app(self.app.config.clone(), connection.clone(), &self.clock);
        (server.store, server.connection) = (store, connection);
        server.listen(listeners).await;
        server
    }

    /// How it reaches the table.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        // The name may be ::1 first, where nothing listens.
        let base = self.base.replace("localhost", "127.0.0.1");
        self.http.request(method, format!("{base}{path}"))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    pub async fn as_bearer(&self, method: Method, path: &str, token: &str) -> Answer {
        self.send(self.request(method, path).bearer_auth(token)).await
    }

    pub async fn register(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/register", &json!({ "email": email, "password": password })).await
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        self.post("/v1/login", &json!({ "email": email, "password": password })).await
    }

    pub async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/token/refresh", &json!({ "refresh_token": token })).await
    }

    /// Registers [`EMAIL`] and signs in.
    pub async fn signed_in(&self) -> Answer {
        self.register(EMAIL, PASSWORD).await;
        let answer = self.login(EMAIL, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// A process over the same table and keys whose requests nobody counts or disturbs.
    pub fn elsewhere(&self) -> Arc<App> {
        self.elsewhere_with(|_| {})
    }

    /// As [`Self::elsewhere`], configured otherwise.
    pub fn elsewhere_with(&self, change: impl FnOnce(&mut Config)) -> Arc<App> {
        let mut config = self.app.config.clone();
        config.secrets.prefix = None;
        config.secrets.file = Some(self.key_file.clone());
        change(&mut config);
        let endpoint = self.connection.endpoints.dynamodb.clone().unwrap();
        app(config, Connection::local(endpoint), &self.clock)
    }

    /// Makes an account's address verified, as its owner's link would.
    pub async fn verify_directly(&self, email: &str) {
        let email = Email::parse(email).unwrap().key();
        let credential = self.app.store.read_credential(&email).await.unwrap().unwrap();
        let verified = AttributeValue::Bool(true);
        self.set_attribute(&format!("EMAIL#{}", email.as_str()), "CREDENTIAL", "email_verified", verified.clone())
            .await;
        self.set_attribute(&format!("USER#{}", credential.user_id), "PROFILE", "email_verified", verified).await;
    }

    /// A context for calling a use case or the store directly.
    pub fn context(&self) -> RequestContext {
        let origin = Origin::new("192.0.2.1".parse().ok(), Some("test"));
        RequestContext { now: self.clock.now(), origin, language: Language::default(), request_id: "test".to_owned() }
    }

    /// Every item of a table whose partition key begins with `prefix`, past the counted edge.
    pub async fn items(&self, table: &str, prefix: &str) -> Vec<HashMap<String, AttributeValue>> {
        let scan = self.dynamodb.scan().table_name(table).consistent_read(true).send().await.unwrap();
        let mut items = scan.items.unwrap_or_default();
        items.retain(|item| item["pk"].as_s().unwrap().starts_with(prefix));
        items
    }

    /// Puts an item over whatever is there, as nobody should.
    pub async fn put(&self, table: &str, item: HashMap<String, AttributeValue>) {
        self.dynamodb.put_item().table_name(table).set_item(Some(item)).send().await.unwrap();
    }

    /// Deletes an item, as nobody should.
    pub async fn delete(&self, table: &str, item: &HashMap<String, AttributeValue>) {
        let delete = self.dynamodb.delete_item().table_name(table);
        delete.key("pk", item["pk"].clone()).key("sk", item["sk"].clone()).send().await.unwrap();
    }

    /// Sets one attribute of an item, as an administrator's tool would.
    pub async fn set_attribute(&self, pk: &str, sk: &str, name: &str, value: AttributeValue) {
        let update = self.dynamodb.update_item().table_name(TABLE).key("pk", AttributeValue::S(pk.to_owned()));
        let update = update.key("sk", AttributeValue::S(sk.to_owned())).update_expression("SET #name = :value");
        let update = update.expression_attribute_names("#name", name).expression_attribute_values(":value", value);
        update.send().await.unwrap();
    }
}

fn app(config: Config, connection: Connection, clock: &Arc<ManualClock>) -> Arc<App> {
    let host = Host { connection, clock: clock.clone(), entropy: Arc::new(SystemEntropy), hashing_slots: 2 };
    Arc::new(App::new(config, host).unwrap())
}

/// The table's name in stage development.
pub const TABLE: &str = "wardgate-development";
/// The audit table's name in stage development.
pub const AUDIT_TABLE: &str = "wardgate-audit-development";

/// Making an RSA key takes a while: every server of a test run has the same ones.
pub fn shared_keys() -> &'static str {
    static KEYS: OnceLock<String> = OnceLock::new();
    KEYS.get_or_init(|| keys::document(START, &SystemEntropy).unwrap().to_string())
}

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
