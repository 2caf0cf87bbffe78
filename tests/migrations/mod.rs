//! Migrations: whatever ends a run, the table becomes what it was to become, and what lives in it loses nothing.

mod agreement;
mod kills;
mod locks;
mod rewrap;
mod runs;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use wardgate::clock::{Pause, Waiting};
use wardgate::crypto::key_ring::{Ring, WrapKey};
use wardgate::crypto::password_wrap::{unwrap, wrap};
use wardgate::crypto::totp::TotpSecret;
use wardgate::crypto::totp_wrap;
use wardgate::domain::credential::WrappedHash;
use wardgate::domain::email::Email;
use wardgate::domain::id::{FactorId, UserId};
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::SystemEntropy;
use wardgate::fault::Fault;
use wardgate::migrations::{MIGRATIONS, Migration};
use wardgate::use_cases::migrate::{Order, Report, Run, migrate};

use crate::harness::{AUDIT_TABLE, ManualClock, START, TABLE, TestServer};

type Item = HashMap<String, AttributeValue>;

/// Waits by moving the clock.
pub struct ByClock(pub Arc<ManualClock>);

impl Pause for ByClock {
    fn pause(&self, duration: Duration) -> Waiting<'_> {
        self.0.advance_millis(i64::try_from(duration.as_millis()).unwrap());
        Box::pin(std::future::ready(()))
    }
}

pub async fn run_of(server: &TestServer, migrations: &[&dyn Migration], order: &Order) -> Result<Report, Fault> {
    migrate(&server.app, Run { migrations, pause: &ByClock(Arc::clone(&server.clock)) }, order).await
}

pub async fn run(server: &TestServer, order: &Order) -> Result<Report, Fault> {
    run_of(server, MIGRATIONS, order).await
}

/// Runs until nothing is left to be done, as `make migrate` does. A lock of the dead is waited for.
pub async fn finish(server: &TestServer, order: &Order) -> Vec<Report> {
    let mut reports = Vec::new();
    for _ in 0..200 {
        let report = run(server, order).await.unwrap();
        if let Some(refusal) = &report.refused {
            assert_eq!(refusal.code, "locked");
            server.clock.set(refusal.until.unwrap());
            continue;
        }
        let more = report.more;
        reports.push(report);
        if !more {
            return reports;
        }
    }
    panic!("it never ends");
}

/// Gives both rings of wrapping keys these versions, each from so many seconds after the start on.
pub fn put_wrap_keys(server: &TestServer, keys: &[(u32, i64)]) {
    let text = std::fs::read_to_string(&server.key_file).unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let first = document["password_wrap"]["keys"][0]["secret"].clone();
    let keys: Vec<Value> = keys
        .iter()
        .map(|(version, from)| {
            let mut key = serde_json::to_value(wrap_key(*version, *from)).unwrap();
            if *version == 1 {
                key["secret"] = first.clone();
            }
            key
        })
        .collect();
    document["password_wrap"] = json!({ "keys": keys });
    let first = document["factor_wrap"]["keys"][0]["secret"].clone();
    let mut keys = keys;
    for key in keys.iter_mut().filter(|key| key["version"] == 1) {
        key["secret"] = first.clone();
    }
    document["factor_wrap"] = json!({ "keys": keys });
    std::fs::write(&server.key_file, document.to_string()).unwrap();
}

fn wrap_key(version: u32, from: i64) -> WrapKey {
    let secret = serde_json::to_value([u8::try_from(version).unwrap(); 32].to_vec()).unwrap();
    let secret = wardgate::crypto::secret_bytes::SecretBytes::new(serde_json::from_value(secret).unwrap());
    WrapKey { version, secret, sign_from: Timestamp::from_millis(START.millis() + from * 1000) }
}

/// The ring of passwords as the file has it.
pub fn ring(server: &TestServer) -> Ring<WrapKey> {
    ring_of(server, "password_wrap")
}

fn ring_of(server: &TestServer, name: &str) -> Ring<WrapKey> {
    let text = std::fs::read_to_string(&server.key_file).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    serde_json::from_value(document[name].clone()).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass ids and texts alike")]
fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "callers pass numbers of any type")]
fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn address(index: usize) -> String {
    Email::parse(&format!("user-{index}@example.com")).unwrap().key().as_str().to_owned()
}

fn user(index: usize) -> UserId {
    UserId::new(START, index as u128)
}

/// Of each app another.
fn app_secret(index: usize) -> TotpSecret {
    TotpSecret::from_bytes([u8::try_from(index).unwrap(); 20])
}

/// An app that shows codes, its secret sealed under the first key.
fn totp(server: &TestServer, index: usize) -> Item {
    let (id, secret) = (FactorId::new(START, index as u128), app_secret(index));
    let sealed =
        totp_wrap::wrap(&secret, (user(index), id), &ring_of(server, "factor_wrap"), START, &SystemEntropy).unwrap();
    let secret = HashMap::from([
        ("sealed".to_owned(), AttributeValue::B(Blob::new(sealed.sealed))),
        ("key_version".to_owned(), number(sealed.key_version)),
    ]);
    HashMap::from([
        ("pk".to_owned(), text(format!("USER#{}", user(index)))),
        ("sk".to_owned(), text("FACTOR#totp")),
        ("id".to_owned(), text(id)),
        ("secret".to_owned(), AttributeValue::M(secret)),
        ("last_step".to_owned(), number(index)),
        ("created_at".to_owned(), number(START.millis())),
    ])
}

/// A sealed hash under the first key, as an item has it.
fn password(server: &TestServer, index: usize) -> AttributeValue {
    let sealed = wrap(&format!("$argon2id$of-{index}"), user(index), &ring(server), START, &SystemEntropy).unwrap();
    AttributeValue::M(HashMap::from([
        ("sealed".to_owned(), AttributeValue::B(Blob::new(sealed.sealed))),
        ("key_version".to_owned(), number(sealed.key_version)),
    ]))
}

const DAY: i64 = 24 * 3600 * 1000;
/// How many of each kind [`fill`] makes.
pub const ACCOUNTS: usize = 40;
pub const REGISTRATIONS: usize = 20;
pub const COUNTERS: usize = 60;
pub const APPS: usize = 12;

/// Accounts, registrations and counters as earlier releases left them, and what no migration concerns.
pub async fn fill(server: &TestServer) {
    for index in 0..ACCOUNTS {
        server.put(TABLE, under_address(server, index, "CREDENTIAL".to_owned())).await;
    }
    for index in ACCOUNTS..ACCOUNTS + REGISTRATIONS {
        server.put(TABLE, under_address(server, index, format!("REGISTRATION#reg_{index}"))).await;
    }
    for index in 0..APPS {
        server.put(TABLE, totp(server, index)).await;
    }
    let mut without = under_address(server, 999, "CREDENTIAL".to_owned());
    without.remove("password");
    server.put(TABLE, without).await;
    // A third at addresses of accounts, a third attempted lately, all others to be given an end.
    for index in 0..COUNTERS {
        let days = if index % 3 == 1 { 10 } else { 100 + i64::try_from(index).unwrap() };
        let at = if index % 3 == 0 { index % ACCOUNTS } else { 1000 + index };
        server
            .put(
                TABLE,
                HashMap::from([
                    ("pk".to_owned(), text(format!("LIMIT#login_account#{}", address(at)))),
                    ("sk".to_owned(), text("CONSECUTIVE")),
                    ("failures".to_owned(), number(index + 1)),
                    ("last_at".to_owned(), number(START.millis() - days * DAY)),
                ]),
            )
            .await;
    }
}

fn under_address(server: &TestServer, index: usize, sk: String) -> Item {
    HashMap::from([
        ("pk".to_owned(), text(format!("EMAIL#{}", address(index)))),
        ("sk".to_owned(), text(sk)),
        ("user_id".to_owned(), text(user(index))),
        ("cred_version".to_owned(), number(1)),
        ("password".to_owned(), password(server, index)),
    ])
}

/// The whole table but the migrations' own states, byte for byte.
pub async fn bytes(server: &TestServer) -> BTreeMap<String, String> {
    let items = server.items(TABLE, "").await;
    items.into_iter().filter(|item| item["pk"] != text("MIGRATION")).map(|item| (key(&item), sorted(&item))).collect()
}

/// The same with what sealed hashes say and under which key, instead of bytes that no two runs could have in common.
pub async fn meaning(server: &TestServer) -> BTreeMap<String, String> {
    let (ring, factors) = (ring(server), ring_of(server, "factor_wrap"));
    let items = server.items(TABLE, "").await.into_iter().filter(|item| item["pk"] != text("MIGRATION"));
    items
        .map(|mut item| {
            if let Some(AttributeValue::M(password)) = item.remove("password") {
                let sealed = password["sealed"].as_b().unwrap().clone().into_inner();
                let key_version = password["key_version"].as_n().unwrap().parse().unwrap();
                let owner = UserId::parse(item["user_id"].as_s().unwrap()).unwrap();
                let phc = unwrap(&WrappedHash { key_version, sealed }, owner, &ring).unwrap();
                item.insert("password".to_owned(), text(format!("{} under {key_version}", *phc)));
            }
            if let Some(AttributeValue::M(secret)) = item.remove("secret") {
                let sealed = secret["sealed"].as_b().unwrap().clone().into_inner();
                let key_version = secret["key_version"].as_n().unwrap().parse().unwrap();
                let user = UserId::parse(item["pk"].as_s().unwrap().strip_prefix("USER#").unwrap()).unwrap();
                let owner = (user, FactorId::parse(item["id"].as_s().unwrap()).unwrap());
                let found = totp_wrap::unwrap(&WrappedHash { key_version, sealed }, owner, &factors).unwrap();
                item.insert("secret".to_owned(), text(format!("{} under {key_version}", *found.base32())));
            }
            (key(&item), sorted(&item))
        })
        .collect()
}

fn key(item: &Item) -> String {
    format!("{} {}", item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap())
}

fn sorted(item: &Item) -> String {
    fn value(value: &AttributeValue) -> String {
        match value {
            AttributeValue::M(members) => sorted(members),
            other => format!("{other:?}"),
        }
    }
    let members: BTreeMap<&String, String> = item.iter().map(|(name, it)| (name, value(it))).collect();
    format!("{members:?}")
}

/// A migration's state as it lies in the table.
pub async fn state(server: &TestServer, number: &str) -> Option<Item> {
    server.items(TABLE, "MIGRATION").await.into_iter().find(|item| item["sk"] == text(number))
}

/// What the trail says of migrations.
pub async fn trail(server: &TestServer) -> Vec<String> {
    let mut lines = server.items(AUDIT_TABLE, "STAGE#").await;
    lines.sort_by_key(|line| line["sk"].as_s().unwrap().clone());
    assert!(lines.iter().all(|line| line["action"] == text("migrated")));
    lines.iter().map(|line| line["detail"].as_s().unwrap().clone()).collect()
}

pub fn to(number: &str) -> Order {
    Order { to: Some(number.to_owned()), ..Order::default() }
}
