//! Two servers over one store: what races in one process races between two as well (LF-06). Each request goes to the one or
//! the other by coin.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use wardgate::aws::Connection;
use wardgate::clock::{Clock as _, SystemClock};
use wardgate::config::Config;
use wardgate::entropy::SystemEntropy;
use wardgate_server::dev::{engine, keys};

use super::{PASSWORD, client, command, free_port};

const EMAIL: &str = "ada@example.com";
const OTHER_PASSWORD: &str = "crimson kettles drift eastward";

struct Replicas {
    bases: [String; 2],
    children: [Child; 2],
    coin: AtomicU64,
    http: reqwest::Client,
    _folder: TempDir,
    _stop: watch::Sender<bool>,
}

impl Drop for Replicas {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Already gone is fine.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Replicas {
    /// Two processes that have read nothing yet. Equal seeds toss the same coins.
    async fn start(seed: u64, variables: &[(&str, &str)]) -> Self {
        let (stop, stopping) = watch::channel(false);
        let store = engine::start(None, stopping).await.unwrap().endpoint_url;
        let config = Config::load([("AUTH__STAGE".to_owned(), "development".to_owned())]).unwrap();
        engine::create_tables(&Connection::local(store.clone()), &config).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let rings = folder.path().join("secrets.json");
        std::fs::write(&rings, keys::document(SystemClock.now(), &SystemEntropy).unwrap().to_string()).unwrap();
        let ports = [free_port(), free_port()];
        let children = ports.map(|port| {
            let mut command = command(folder.path(), port, variables);
            command
                .env_remove("AUTH__EMBEDDED__FOLDER")
                .env("AUTH__SECRETS__FILE", &rings)
                .env("AUTH__JOBS__ENABLED", "false")
                // One issuer, whoever has signed.
                .env("AUTH__TOKENS__ISSUER", "http://localhost:1")
                .env("AUTH__TOKENS__AUDIENCE", "http://localhost:1")
                // A machine that runs all tests at once is slow, and a request that was given up decides no race.
                .env("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "10000")
                .env("AUTH__AWS__OPERATION_TIMEOUT_MS", "30000")
                .env("AUTH__HTTP__REQUEST_DEADLINE_MS", "60000")
                .envs([("AWS_REGION", "local"), ("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")])
                .env("AWS_ENDPOINT_URL_DYNAMODB", &store)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().unwrap()
        });
        let bases = ports.map(|port| format!("http://127.0.0.1:{port}"));
        let http = client();
        let mut replicas = Self { bases, children, coin: AtomicU64::new(seed), http, _folder: folder, _stop: stop };
        replicas.are_ready().await;
        replicas
    }

    async fn are_ready(&mut self) {
        for (base, child) in self.bases.iter().zip(&mut self.children) {
            while self.http.get(format!("{base}/ready")).send().await.is_err() {
                assert_eq!(child.try_wait().unwrap(), None, "a server ended");
                tokio::task::yield_now().await;
            }
        }
    }

    fn toss(&self) -> u64 {
        let step =
            |state: u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        self.coin.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step).unwrap() >> 33
    }

    async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> (u16, Value) {
        let base = if self.toss().is_multiple_of(2) { &self.bases[0] } else { &self.bases[1] };
        let mut request = self.http.request(method, format!("{base}{path}"));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap_or_default())
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask(Method::POST, path, None, Some(body)).await
    }

    async fn register(&self, password: &str) -> u16 {
        self.post("/v1/register", json!({ "email": EMAIL, "password": password })).await.0
    }

    async fn login(&self, password: &str) -> (u16, Value) {
        self.post("/v1/login", json!({ "email": EMAIL, "password": password })).await
    }

    async fn refresh(&self, token: &Value) -> (u16, Value) {
        self.post("/v1/token/refresh", json!({ "refresh_token": token })).await
    }

    /// A session of the account, which is made if there is none.
    async fn signed_in(&self) -> Value {
        let (status, signed_in) = self.login(PASSWORD).await;
        if status == 200 {
            return signed_in;
        }
        assert_eq!(self.register(PASSWORD).await, 202);
        let (status, signed_in) = self.login(PASSWORD).await;
        assert_eq!(status, 200, "{signed_in}");
        signed_in
    }
}

fn refresh_token(answer: &Value) -> &Value {
    answer.get("refresh_token").unwrap_or(&Value::Null)
}

fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer.get(member).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_03_50_refreshes_at_two_servers_leave_one_successor_and_nobody_signed_out() {
    let replicas = Replicas::start(1, &[]).await;
    let token = replicas.signed_in().await["refresh_token"].clone();
    let answers = join_all((0..50).map(|_| replicas.refresh(&token))).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    let successors: BTreeSet<&str> = answers.iter().map(|(_, answer)| text(answer, "refresh_token")).collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(replicas.refresh(&answers[0].1["refresh_token"]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_01_of_60_guesses_at_two_servers_the_limit_is_evaluated_and_no_more() {
    // The clock is this machine's: nothing may become free again while the test runs.
    let replicas = Replicas::start(2, &[("AUTH__LIMITS__LOGIN_PAIR__MOST_FAILURES", "10")]).await;
    assert_eq!(replicas.register(PASSWORD).await, 202);
    let answers = join_all((0..60).map(|_| replicas.login(OTHER_PASSWORD))).await;
    let of = |expected| answers.iter().filter(|(status, _)| *status == expected).count();
    assert_eq!((of(401), of(429)), (10, 50));
    assert_eq!(replicas.login(PASSWORD).await.0, 429, "the right password waits, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_04_20_registrations_of_one_address_at_two_servers_make_one_user() {
    let replicas = Replicas::start(3, &[("AUTH__LIMITS__LOGIN_PAIR__FREE_FAILURES", "100")]).await;
    let passwords: Vec<String> = (0..20).map(|number| format!("violet teapots orbit slowly {number}")).collect();
    let answers = join_all(passwords.iter().map(|password| replicas.register(password))).await;
    assert!(answers.iter().all(|status| *status == 202), "{answers:?}");
    let signed_in = join_all(passwords.iter().map(|password| replicas.login(password))).await;
    assert_eq!(signed_in.iter().filter(|(status, _)| *status == 200).count(), 1, "how many of the passwords work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_sessions_that_end_each_other_at_two_servers_leave_exactly_one() {
    let replicas = Replicas::start(4, &[]).await;
    for _ in 0..5 {
        let sessions = [replicas.signed_in().await, replicas.signed_in().await];
        let ends = sessions.each_ref().map(|session| text(session, "access_token"));
        let end = |token| replicas.ask(Method::DELETE, "/v1/sessions", Some(token), None);
        let won = join_all(ends.map(end)).await;
        let lives = join_all(sessions.iter().map(|session| replicas.refresh(&session["refresh_token"]))).await;
        let (won, lives) = (won.iter().filter(|it| it.0 == 204).count(), lives.iter().filter(|it| it.0 == 200).count());
        assert_eq!((won, lives), (1, 1));
    }
}

/// Something that ends the account's sessions, among refreshes and sign-ins at both servers. Whatever those answered,
/// nothing of before lives on.
async fn ended(seed: u64, end: impl AsyncFn(&Replicas, &Value) -> u16) {
    let replicas = Replicas::start(seed, &[("AUTH__LIMITS__LOGIN_PAIR__FREE_FAILURES", "100")]).await;
    let (mine, other) = (replicas.signed_in().await, replicas.signed_in().await);
    let refreshes = join_all((0..12).map(|_| replicas.refresh(refresh_token(&other))));
    let sign_ins = join_all((0..4).map(|_| replicas.login(PASSWORD)));
    let (status, (refreshed, signed_in)) = join(end(&replicas, &mine), join(refreshes, sign_ins)).await;
    assert!((200..300).contains(&status), "{status}");
    let answers = refreshed.into_iter().chain(signed_in).filter(|(status, _)| *status == 200);
    let tokens = answers.map(|(_, answer)| refresh_token(&answer).clone()).chain([refresh_token(&other).clone()]);
    for token in tokens {
        assert_eq!(replicas.refresh(&token).await.0, 401);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_nothing_outlives_a_change_of_password_at_the_other_server() {
    ended(5, async |replicas, mine| {
        let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
        let token = Some(text(mine, "access_token"));
        replicas.ask(Method::POST, "/v1/password/change", token, Some(body)).await.0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_nothing_outlives_a_deletion_at_the_other_server() {
    ended(6, async |replicas, mine| {
        replicas.ask(Method::DELETE, "/v1/me", Some(text(mine, "access_token")), None).await.0
    })
    .await;
}

/// SE-02 by steps at random, without a window: the newest token, an older one, or the newest twice at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_02_refreshes_in_any_order_at_two_servers_leave_one_live_successor_or_a_revoked_family() {
    let replicas = Replicas::start(7, &[("AUTH__SESSIONS__GRACE_SECONDS", "0")]).await;
    for _ in 0..20 {
        let mut issued = vec![replicas.signed_in().await["refresh_token"].clone()];
        let mut is_revoked = false;
        while !is_revoked && issued.len() < 12 {
            let newest = issued.last().unwrap();
            match replicas.toss() % 10 {
                0..8 => {
                    let (status, answer) = replicas.refresh(newest).await;
                    assert_eq!(status, 200, "generation {}: {answer}", issued.len());
                    assert!(!issued.contains(&answer["refresh_token"]), "a token came twice");
                    issued.push(answer["refresh_token"].clone());
                }
                8 if issued.len() > 1 => {
                    let older = usize::try_from(replicas.toss()).unwrap() % (issued.len() - 1);
                    assert_eq!(replicas.refresh(&issued[older]).await.0, 401, "{older} of {}", issued.len());
                    is_revoked = true;
                }
                _ => {
                    let (one, two) = join(replicas.refresh(newest), replicas.refresh(newest)).await;
                    let answered = [one, two].into_iter().filter(|(status, _)| *status == 200);
                    let answered: Vec<Value> = answered.map(|(_, answer)| answer["refresh_token"].clone()).collect();
                    // Who came second, by a clock that had read the time first, is told the same.
                    assert!(answered.windows(2).all(|both| both[0] == both[1]), "one generation has two successors");
                    is_revoked = answered.len() < 2;
                    issued.extend(answered.into_iter().take(1));
                }
            }
        }
        assert_eq!(replicas.refresh(issued.last().unwrap()).await.0, if is_revoked { 401 } else { 200 });
    }
}
