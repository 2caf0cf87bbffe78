//! New keys under the eyes of clients: the steps of `rotate-keys` against versions and labels, with the real server over
//! the same secrets.

mod crashes;
mod emergency;
mod order;
mod races;
mod weeks;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::app::App;
use wardgate::clock::Clock as _;
use wardgate::crypto::key_ring::{MacKey, PublicKey, Ring, SigningAlgorithm, SigningKey};
use wardgate::crypto::rotation::{Generate, NotGenerated};
use wardgate::crypto::secret_bytes::SecretBytes;
use wardgate::fault::Fault;

use crate::harness::secrets_manager::PREFIX;
use crate::harness::{AUDIT_TABLE, EMAIL, PASSWORD, TestServer, repository};

const DAY: i64 = 86_400;
/// What follows this is past every key's announcement.
const SWITCH: i64 = 3 * DAY;
const RINGS: [&str; 6] = ["signing", "session_mac", "login_mac", "mail_mac", "password_wrap", "factor_wrap"];
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Making RSA keys takes a while: three different ones are enough.
fn pooled(algorithm: SigningAlgorithm) -> Result<SecretBytes, NotGenerated> {
    static POOL: OnceLock<Vec<SecretBytes>> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    match algorithm {
        SigningAlgorithm::RS256 => {
            let pool = POOL.get_or_init(|| (0..3).map(|_| wardgate_generate::generate(algorithm).unwrap()).collect());
            let next = usize::try_from(NEXT.fetch_add(1, Ordering::Relaxed) % 3).unwrap();
            Ok(pool[next].clone())
        }
        SigningAlgorithm::ES256 => wardgate_generate::generate(algorithm),
    }
}

async fn send(app: &App, event: Value) -> Result<Value, Fault> {
    let event = serde_json::from_value(event).unwrap();
    let generate: Generate = pooled;
    let answer = (rotate_keys::FUNCTION.handler)(app, &generate, event).await?;
    Ok(serde_json::to_value(answer).unwrap())
}

async fn step(app: &App, ring: &str, token: &str, step: &str) -> Result<Value, Fault> {
    let arn = format!("arn:aws:secretsmanager:eu-central-1:123456789012:secret:{PREFIX}{ring}-a1B2c3");
    send(app, json!({ "SecretId": arn, "ClientRequestToken": token, "Step": step })).await
}

async fn retire(app: &App, ring: &str, kid: &str) -> Result<Value, Fault> {
    send(app, json!({ "retire": { "ring": ring, "kid": kid } })).await
}

/// A version's name that was not there before.
fn token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("{:032x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// As Secrets Manager does it.
async fn rotate(server: &TestServer, ring: &str) -> String {
    let token = token();
    assert!(server.secrets_manager.with(ring, |secret| secret.announce(&token)), "{ring} is under way");
    for name in STEPS {
        step(&server.app, ring, &token, name).await.unwrap_or_else(|fault| panic!("{ring}, {name}: {fault}"));
    }
    token
}

/// Nobody announces the first one: there is no schedule yet, or it has nothing to go on from.
async fn first(server: &TestServer, ring: &str) {
    let token = token();
    for name in STEPS {
        step(&server.app, ring, &token, name).await.unwrap_or_else(|fault| panic!("{ring}, {name}: {fault}"));
    }
}

async fn server() -> TestServer {
    TestServer::with_secrets_manager(&[]).await
}

fn ring<K: serde::de::DeserializeOwned>(server: &TestServer, name: &str) -> Ring<K> {
    let value = server.secrets_manager.with(name, |secret| secret.value());
    serde_json::from_value(value.unwrap_or_else(|| panic!("{name} is empty"))).unwrap()
}

/// Which key signs now.
fn signer(server: &TestServer) -> String {
    let ring: Ring<SigningKey> = ring(server, "signing");
    ring.current(SigningAlgorithm::RS256, server.clock.now()).unwrap().kid.clone()
}

/// Whoever reads the rings now can sign, and everybody who reads them now can verify it.
#[track_caller]
fn assert_whole(server: &TestServer) {
    let now = server.clock.now();
    let (signing, public): (Ring<SigningKey>, Ring<PublicKey>) = (ring(server, "signing"), ring(server, "public_keys"));
    for alg in [SigningAlgorithm::RS256, SigningAlgorithm::ES256] {
        signing.current(alg, now).unwrap();
    }
    let kids: Vec<&str> = public.keys.iter().map(PublicKey::kid).collect();
    for key in signing.keys.iter().filter(|key| key.validity.is_published(now)) {
        assert!(kids.contains(&key.kid.as_str()), "{} signs and is not published", key.kid);
    }
    for name in ["session_mac", "login_mac", "mail_mac"] {
        ring::<MacKey>(server, name).current(now).unwrap();
    }
}

/// A process that has read nothing yet signs in, and its tokens are good there.
async fn assert_serves(server: &TestServer) {
    let fresh = server.restarted().await;
    let answer = fresh.login(EMAIL, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let access = answer.string("access_token");
    let jwks = fresh.get("/.well-known/jwks.json").await.json();
    let kids: Vec<&str> = jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert!(kids.contains(&kid_of(&access).as_str()), "{kids:?}");
    assert_eq!(fresh.as_bearer(Method::GET, "/v1/me", &access).await.status, 200);
    assert_eq!(fresh.refresh(&answer.string("refresh_token")).await.status, 200);
}

/// The `kid` in an access token's header.
fn kid_of(access: &str) -> String {
    let kid = jsonwebtoken::decode_header(access).unwrap().kid;
    kid.unwrap()
}

/// The details of the stage's audit lines of an action.
async fn lines(server: &TestServer, action: &str) -> Vec<String> {
    let lines = server.items(AUDIT_TABLE, "STAGE#").await.into_iter();
    let mut of_action: Vec<_> = lines.filter(|line| line["action"].as_s().unwrap() == action).collect();
    of_action.sort_by_key(|line| line["sk"].as_s().unwrap().clone());
    of_action.iter().map(|line| line["detail"].as_s().unwrap().clone()).collect()
}

#[tokio::test]
async fn sec_tk_04_the_first_rotation_fills_empty_rings_which_sign_at_once() {
    let server = server().await;
    server.secrets_manager.clear();
    assert_eq!(server.get("/ready").await.status, 503);
    for ring in RINGS {
        first(&server, ring).await;
    }
    assert_whole(&server);
    server.signed_in().await;
    assert_eq!(server.get("/ready").await.status, 200);
}

#[tokio::test]
async fn sec_pl_03_a_rotation_and_a_retirement_leave_a_line_each_without_key_material() {
    let server = server().await;
    for ring in RINGS {
        rotate(&server, ring).await;
    }
    let rotated = lines(&server, "keys_rotated").await;
    let of_ring = |ring: &str| rotated.iter().filter(|line| line.starts_with(&format!("{ring}: "))).count();
    assert!(RINGS.iter().all(|ring| of_ring(ring) == 1) && rotated.len() == RINGS.len(), "{rotated:?}");
    assert!(rotated.iter().all(|line| line.contains("signs from 2026-03-03T")), "{rotated:?}");
    retire(&server.app, "signing", "rs256-1").await.unwrap();
    let [retired] = &*lines(&server, "key_retired").await else { panic!("one line") };
    assert!(retired.starts_with("signing: rs256-1 retired, "), "{retired}");
    let listed = send(&server.app, json!({ "list": "signing" })).await.unwrap().to_string();
    let trail = format!("{:?}{listed}", server.items(AUDIT_TABLE, "STAGE#").await);
    for name in ["signing", "session_mac", "password_wrap"] {
        let value = server.secrets_manager.with(name, |secret| secret.value()).unwrap();
        for key in value["keys"].as_array().unwrap() {
            let material = key.get("pkcs8").or_else(|| key.get("secret")).unwrap().as_str().unwrap();
            assert!(!trail.contains(material), "{name}");
        }
    }
}

/// The golden events are what Secrets Manager and operators send.
#[tokio::test]
async fn each_golden_event_is_understood() {
    let server = server().await;
    for case in ["list", "ok", "set-secret", "test-secret", "finish-secret", "retire"] {
        let text = std::fs::read_to_string(repository(&format!("events/rotate-keys/{case}.json"))).unwrap();
        let answer = send(&server.app, serde_json::from_str(&text).unwrap()).await.unwrap();
        assert_eq!(answer["ring"], "signing", "{case}");
    }
    assert_eq!(std::fs::read_dir(repository("events/rotate-keys")).unwrap().count(), 6);
}

/// The rights of the role end there, too.
#[tokio::test]
async fn sec_tk_05_only_the_rings_of_this_stage_are_rotated() {
    let server = server().await;
    let before = server.secrets_manager.with("public_keys", |secret| secret.value());
    for secret in ["public_keys", "signing-a1B2c3", "signing_", "nothing"] {
        let event = json!({ "SecretId": format!("{PREFIX}{secret}"), "ClientRequestToken": token(), "Step": STEPS[0] });
        assert!(send(&server.app, event).await.is_err(), "{secret}");
    }
    let other = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:wardgate/production/signing-a1B2c3";
    let event = json!({ "SecretId": other, "ClientRequestToken": token(), "Step": STEPS[0] });
    assert!(send(&server.app, event).await.is_err());
    assert_eq!(before, server.secrets_manager.with("public_keys", |secret| secret.value()));
    assert!(retire(&server.app, "public_keys", "rs256-1").await.is_err());
}
