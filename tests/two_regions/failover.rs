//! What `make failover` does, in its order, and with the same terms.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use wardgate::config::Role;
use wardgate::crypto::key_ring::{MacKey, Ring};
use wardgate::crypto::rotation::{Change, RotatingKey, Source, Terms};
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::SystemEntropy;

use super::replication::Item;
use crate::harness::{TABLE, TestServer};

/// `MARGIN` of `infra/wardgate_infra/operate/failover_notice.py`: how much later than a heartbeat anything before it may arrive.
pub const MARGIN: i64 = 300_000;

fn item(pk: &str, sk: &str, rest: impl IntoIterator<Item = (&'static str, AttributeValue)>) -> Item {
    let keys = [("pk", AttributeValue::S(pk.to_owned())), ("sk", AttributeValue::S(sk.to_owned()))];
    keys.into_iter().chain(rest).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// What a region's schedule does each minute.
pub async fn beat(server: &TestServer, region: &str) {
    let at = server.context().now.millis().to_string();
    server.put(TABLE, item("HEARTBEAT", region, [("at", AttributeValue::N(at))])).await;
}

/// The newest heartbeat of a region that has arrived in another.
pub async fn heartbeat(server: &TestServer, of: &str) -> Option<i64> {
    let items = server.items(TABLE, "HEARTBEAT").await;
    let beat = items.iter().find(|item| item["sk"].as_s().unwrap() == of)?;
    Some(beat["at"].as_n().unwrap().parse().unwrap())
}

fn retired(ring: &Value, now: Timestamp) -> Value {
    let ring: Ring<MacKey> = serde_json::from_value(ring.clone()).unwrap();
    let source = Source { entropy: &SystemEntropy, generate: wardgate_generate::generate };
    let terms = Terms { notice: Duration::from_mins(10), token_life: Duration::from_hours(24) };
    serde_json::to_value(MacKey::next(&ring, &Change::RetireAll, now, terms, source).unwrap()).unwrap()
}

/// The region that writes, as a region has it: name, epoch, and the windows of before.
async fn writer(server: &TestServer) -> (u64, Vec<AttributeValue>) {
    let items = server.items(TABLE, "SETTINGS").await;
    let Some(item) = items.iter().find(|item| item["sk"].as_s().unwrap() == "WRITER") else { return (0, Vec::new()) };
    (item["epoch"].as_n().unwrap().parse().unwrap(), item["windows"].as_l().unwrap().clone())
}

/// Says which region writes from now on. With a window, sessions are kept but for those that began in it.
pub async fn take_over_item(server: &TestServer, region: &str, until: Option<i64>) {
    let number = |value: i64| AttributeValue::N(value.to_string());
    let since = number(server.context().now.millis());
    let (epoch, mut windows) = writer(server).await;
    if let Some(until) = until {
        let window = [("until".to_owned(), number(until)), ("since".to_owned(), since.clone())];
        windows.push(AttributeValue::M(HashMap::from(window)));
    }
    let writer = [
        ("region", AttributeValue::S(region.to_owned())),
        ("epoch", AttributeValue::N((epoch + 1).to_string())),
        ("since", since),
        ("windows", AttributeValue::L(windows)),
    ];
    server.put(TABLE, item("SETTINGS", "WRITER", writer)).await;
}

/// A region takes over from the other one: the item, the keys, and the process that writes.
pub async fn take_over(server: &TestServer, region: &str, until: Option<i64>) -> TestServer {
    take_over_item(server, region, until).await;
    let now = server.context().now;
    let mut keys: Value = serde_json::from_str(&std::fs::read_to_string(&server.key_file).unwrap()).unwrap();
    let rings = ["login_mac", "mail_mac", "session_mac"];
    for ring in &rings[..if until.is_some() { 2 } else { 3 }] {
        keys[ring] = retired(&keys[ring], now);
    }
    std::fs::write(&server.key_file, keys.to_string()).unwrap();
    server.configured(|config| config.region.role = Role::Writer).await
}
