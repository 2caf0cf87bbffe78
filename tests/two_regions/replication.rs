//! What DynamoDB's global tables do between two regions: each item by itself, in any order, and of two writes of one item
//! the later one stays.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::harness::{TABLE, TestServer};

pub type Item = HashMap<String, AttributeValue>;
type Key = (String, String);

/// A version of an item; without an image where it is deleted. Later is greater; where times are alike, the region decides,
/// and within one the order.
#[derive(Clone)]
struct Version {
    image: Option<Item>,
    written: (i64, usize, usize),
}

/// A write on its way.
pub struct Change {
    key: Key,
    version: Version,
    arrives: i64,
}

/// A region, and what is known of its table.
pub struct Region {
    pub server: TestServer,
    index: usize,
    known: HashMap<Key, Version>,
    /// How many versions it has written.
    written: usize,
    /// Whether something was written that the product did not ask for.
    pub is_touched: bool,
}

fn key(item: &Item) -> Key {
    (item["pk"].as_s().unwrap().clone(), item["sk"].as_s().unwrap().clone())
}

impl Region {
    pub fn new(index: usize, server: TestServer) -> Self {
        Self { server, index, known: HashMap::new(), written: 0, is_touched: true }
    }

    /// What was written here since it was last asked: each item once, as it is now.
    pub async fn changes(&mut self, mut delay: impl FnMut() -> i64) -> Vec<Change> {
        let now = self.server.context().now.millis();
        // Most of the time nobody has asked a region for anything, and its table is large.
        if self.server.store.count() == 0 && !self.is_touched {
            return Vec::new();
        }
        self.server.store.reset();
        self.is_touched = false;
        let items: HashMap<Key, Item> =
            self.server.items(TABLE, "").await.into_iter().map(|item| (key(&item), item)).collect();
        let mut changed: Vec<(Key, Option<Item>)> = Vec::new();
        for (key, version) in &self.known {
            if version.image.is_some() && !items.contains_key(key) {
                changed.push((key.clone(), None));
            }
        }
        for (key, item) in items {
            if self.known.get(&key).and_then(|version| version.image.as_ref()) != Some(&item) {
                changed.push((key, Some(item)));
            }
        }
        // A table's order is chance; a seed's is not.
        changed.sort_by(|one, other| one.0.cmp(&other.0));
        let mut changes = Vec::new();
        for (key, image) in changed {
            self.written += 1;
            let version = Version { image, written: (now, self.index, self.written) };
            self.known.insert(key.clone(), version.clone());
            changes.push(Change { key, version, arrives: now + delay() });
        }
        changes
    }

    /// A write of the other region arrives. Nothing may have been written here meanwhile without [`Self::changes`].
    pub async fn arrive(&mut self, change: Change) {
        if self.known.get(&change.key).is_some_and(|known| known.written > change.version.written) {
            return;
        }
        if let Some(item) = &change.version.image {
            self.server.put(TABLE, item.clone()).await;
        } else {
            let (pk, sk) = change.key.clone();
            let keys = [("pk".to_owned(), AttributeValue::S(pk)), ("sk".to_owned(), AttributeValue::S(sk))];
            self.server.delete(TABLE, &HashMap::from(keys)).await;
        }
        self.known.insert(change.key, change.version);
    }
}

/// Writes from one region to the other.
#[derive(Default)]
pub struct Link {
    under_way: Vec<Change>,
    pub is_cut: bool,
}

impl Link {
    pub fn send(&mut self, changes: Vec<Change>) {
        self.under_way.extend(changes);
    }

    /// What has arrived by now, in the order in which it does.
    pub fn arrived(&mut self, now: i64) -> Vec<Change> {
        if self.is_cut {
            return Vec::new();
        }
        let (mut arrived, under_way): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.under_way).into_iter().partition(|change| change.arrives <= now);
        self.under_way = under_way;
        arrived.sort_by_key(|change| change.arrives);
        arrived
    }
}
