//! What a restore does to the table, but for the service that does it: a copy as of a point, under another name, which
//! takes the table's place.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use wardgate_server::dev::engine;

use super::{TABLE, TestServer};

pub type Item = HashMap<String, AttributeValue>;

/// The restored table's name without the stage.
const RESTORED: &str = "wardgate-restored-20260301t122900z";
/// Its name in stage development.
pub const RESTORED_TABLE: &str = "wardgate-restored-20260301t122900z-development";

/// What the sweep said over all of its pages.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub items: BTreeMap<String, u64>,
    pub checksum: u128,
    pub accounts: u64,
    pub killed: u64,
    /// Without the accounts' ids.
    pub actions: Vec<String>,
    pub wrong: Vec<String>,
}

impl TestServer {
    /// The restored table, with these items.
    pub async fn restore(&self, items: &[Item]) {
        let mut config = self.app.config.clone();
        RESTORED.clone_into(&mut config.store.table);
        engine::create_tables(&self.connection, &config).await.unwrap();
        self.replace(RESTORED_TABLE, items).await;
    }

    /// The restored table takes the place of the live one.
    pub async fn switch_over(&self) {
        let items = self.items(RESTORED_TABLE, "").await;
        self.replace(TABLE, &items).await;
    }

    async fn replace(&self, table: &str, items: &[Item]) {
        for item in self.items(table, "").await {
            let key = item.into_iter().filter(|(name, _)| name == "pk" || name == "sk").collect();
            self.dynamodb.delete_item().table_name(table).set_key(Some(key)).send().await.unwrap();
        }
        for item in items {
            self.dynamodb.put_item().table_name(table).set_item(Some(item.clone())).send().await.unwrap();
        }
    }

    /// Goes through the restored table as `make restore` does, in pages of `limit`. `Err` is why it stopped.
    pub async fn sweep(&self, point: i64, now: i64, check: bool, limit: u64) -> Result<Swept, String> {
        let mut swept = Swept::default();
        for segment in 0..2 {
            let mut cursor = Value::Null;
            loop {
                let event = json!({
                    "id": "restore-1", "table": RESTORED_TABLE, "point": point, "now": now, "check": check,
                    "segment": { "number": segment, "of": 2 }, "cursor": cursor, "limit": limit,
                });
                let event = serde_json::from_value(event).unwrap();
                let answer = (restore_sweep::FUNCTION.handler)(&self.app, &(), event).await;
                let answer = serde_json::to_value(answer.map_err(|fault| fault.to_string())?).unwrap();
                swept.add(&answer);
                cursor = answer["cursor"].clone();
                if cursor.is_null() {
                    break;
                }
            }
        }
        swept.actions.sort();
        Ok(swept)
    }
}

impl Swept {
    fn add(&mut self, answer: &Value) {
        for (kind, count) in answer["items"].as_object().unwrap() {
            *self.items.entry(kind.clone()).or_default() += count.as_u64().unwrap();
        }
        let checksum = u128::from_str_radix(answer["checksum"].as_str().unwrap(), 16).unwrap();
        self.checksum = self.checksum.wrapping_add(checksum);
        self.accounts += answer["accounts"].as_u64().unwrap();
        self.killed += answer["killed"].as_u64().unwrap();
        let actions = answer["actions"].as_array().unwrap().iter();
        self.actions.extend(actions.map(|action| action[0].as_str().unwrap().to_owned()));
        let wrong = answer["wrong"].as_array().unwrap().iter();
        self.wrong.extend(wrong.map(|what| what.as_str().unwrap().to_owned()));
    }
}
