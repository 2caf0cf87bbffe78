//! The deny list of the edge: what it is told of sessions that have ended, and how what it is told adds up. The keys and
//! values are those that `edge/deny.js` reads (docs/edge.md).

mod told;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::id::{SessionId, UserId};
use crate::domain::timestamp::Timestamp;

pub use told::orders;

/// How many seconds an entry outlives the last token that it refuses: the five of leeway that verifiers grant, and a
/// minute for clocks that differ.
pub const MARGIN_SECONDS: i64 = 65;

/// How long an entry lives at most: no access token lives longer than an hour (SE-01).
pub const LONGEST_SECONDS: i64 = 3600 + MARGIN_SECONDS;

/// From so many ended sessions of one user on, one entry refuses all of that user's tokens from before.
const SESSIONS_OF_ONE_USER: usize = 8;

/// From so many orders at once on, every user with more than one ended session has one entry.
const ORDERS_AT_ONCE: usize = 5_000;

/// The key of the entry that is about everybody.
const ALL: &str = "all";

/// The most bytes of a value.
pub const VALUE_BYTES: usize = 1_024;

/// What a word begins with that is the end of keys' ids.
const END: char = '~';

/// How many characters of an id are left at first where whole ones have no room: of ours, chance has made the last sixteen.
const END_LENGTH: usize = 8;

/// An order: from now on, and until then, the edge refuses what this entry says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DenyOrder {
    /// `all`, `ses_…` or `usr_…`.
    #[serde(deserialize_with = "key")]
    pub key: String,
    /// Of a session, `until`. Of the others, `<not before> <word> …`: tokens issued at or before that second are refused,
    /// except in a user's entry those of the sessions named; in that of all, the words are ids of keys, or `~` and how ids
    /// end, and whatever those signed is refused.
    pub value: String,
    /// In seconds: when no token is left that it could refuse.
    pub until: i64,
    /// In seconds: no token issued later is meant.
    pub at: i64,
    /// Whose session it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
}

/// Only what the edge would look up is ever a key.
fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_key(&text) { Ok(text) } else { Err(serde::de::Error::custom("not a key of the deny list")) }
}

fn is_key(text: &str) -> bool {
    text == ALL || UserId::parse(text).is_ok() || SessionId::parse(text).is_ok()
}

impl DenyOrder {
    /// About one session that ended then.
    fn session(id: SessionId, user: UserId, at: i64, access_seconds: i64) -> Self {
        let until = until(at, access_seconds);
        Self { key: id.to_string(), value: until.to_string(), until, at, user: Some(user) }
    }

    /// About a user's sessions until then, but for one.
    fn user(id: UserId, spared: Option<SessionId>, at: i64, access_seconds: i64) -> Self {
        let value = NotBefore { seconds: at, words: spared.iter().map(SessionId::to_string).collect() };
        Self { key: id.to_string(), value: value.to_string(), until: until(at, access_seconds), at, user: None }
    }

    /// Whether its value says since when, so that what the list already has counts too.
    pub fn has_not_before(&self) -> bool {
        has_not_before(&self.key)
    }

    /// Whether there is nothing left that it could refuse.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.until <= now.unix_seconds()
    }

    /// This and what the list has, as one entry: a not-before never moves back.
    #[must_use]
    pub fn beside(self, stored: &str, now: Timestamp) -> Self {
        let value = joined(&self.key, &self.value, stored);
        // How long what was there has to stay is not known where neither of the two is the whole.
        let mixed = value != self.value && value != stored;
        let until = if mixed { self.until.max(now.unix_seconds() + LONGEST_SECONDS) } else { self.until };
        Self { value, until, ..self }
    }

    fn and(self, other: &Self) -> Self {
        let value = joined(&self.key, &self.value, &other.value);
        Self { value, until: self.until.max(other.until), at: self.at.max(other.at), ..self }
    }
}

fn until(at: i64, access_seconds: i64) -> i64 {
    at.saturating_add(access_seconds).saturating_add(MARGIN_SECONDS)
}

fn has_not_before(key: &str) -> bool {
    !key.starts_with("ses_")
}

/// Whether an entry can refuse nothing any more, by its own value alone. That of all is not told by it: its keys have no
/// time.
pub fn is_spent(key: &str, value: &str, now: Timestamp) -> bool {
    let now = now.unix_seconds();
    match key {
        ALL => false,
        key if has_not_before(key) => NotBefore::parse(value).seconds.saturating_add(LONGEST_SECONDS) <= now,
        _ => value.parse::<i64>().is_ok_and(|until| until <= now),
    }
}

/// Two values of one key as one. The order in which they come, and how often, changes nothing.
fn joined(key: &str, one: &str, other: &str) -> String {
    if !has_not_before(key) {
        let until = |value: &str| value.parse::<i64>().unwrap_or_default();
        return until(one).max(until(other)).to_string();
    }
    let (one, other) = (NotBefore::parse(one), NotBefore::parse(other));
    let seconds = one.seconds.max(other.seconds);
    if key == ALL {
        // Each retired key stays refused.
        return NotBefore { seconds, words: one.words.union(&other.words).cloned().collect() }.fitting().to_string();
    }
    let words = if one.seconds == other.seconds {
        one.words.intersection(&other.words).cloned().collect()
    } else {
        // Whom the earlier one spared the later one does not.
        if one.seconds > other.seconds { one.words } else { other.words }
    };
    NotBefore { seconds, words }.to_string()
}

/// The value of the entries about many tokens.
#[derive(Debug, Default, PartialEq, Eq)]
struct NotBefore {
    seconds: i64,
    words: BTreeSet<String>,
}

impl NotBefore {
    /// A value that is none is before every token, as `deny.js` reads it.
    fn parse(value: &str) -> Self {
        let mut words = value.split(' ');
        let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
        Self { seconds, words: words.filter(|word| !word.is_empty()).map(str::to_owned).collect() }
    }

    /// Keys by the ends of their ids where there are too many for a value, by shorter ones where there are more still: never
    /// fewer are refused. Which ends they are does not depend on the order in which keys came.
    fn fitting(self) -> Self {
        let ends = self.words.iter().filter_map(|word| word.strip_prefix(END)).map(|end| end.chars().count()).min();
        if ends.is_none() && self.to_string().len() <= VALUE_BYTES {
            return self;
        }
        let mut length = ends.unwrap_or(END_LENGTH);
        loop {
            let words = self.words.iter().map(|word| ending(word, length)).collect();
            let shortened = Self { seconds: self.seconds, words };
            // At last whatever has signed is refused.
            if length == 0 || shortened.to_string().len() <= VALUE_BYTES {
                return shortened;
            }
            length -= 1;
        }
    }
}

fn ending(word: &str, length: usize) -> String {
    let id = word.strip_prefix(END).unwrap_or(word);
    let skipped = id.chars().count().saturating_sub(length);
    std::iter::once(END).chain(id.chars().skip(skipped)).collect()
}

impl std::fmt::Display for NotBefore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.seconds)?;
        self.words.iter().try_for_each(|word| write!(f, " {word}"))
    }
}

/// Orders added up: at most one of each key.
#[derive(Debug, Default)]
pub struct Folded {
    /// What to put, and which of the orders it is made of, by their place.
    pub entries: Vec<(DenyOrder, Vec<usize>)>,
    /// Whether there were so many orders that sessions were given up for their users.
    pub by_user: bool,
}

/// Adds orders up. What is past refuses nothing, and is left out.
pub fn fold(orders: &[DenyOrder], now: Timestamp) -> Folded {
    let live = || orders.iter().enumerate().filter(|(_, order)| !order.is_past(now));
    let by_user = live().count() > ORDERS_AT_ONCE;
    let mut ended = BTreeMap::<UserId, BTreeSet<&str>>::new();
    for (_, order) in live() {
        if let Some(user) = order.user {
            ended.entry(user).or_default().insert(&order.key);
        }
    }
    let most = if by_user { 1 } else { SESSIONS_OF_ONE_USER };
    let mut entries = BTreeMap::<String, (DenyOrder, Vec<usize>)>::new();
    for (place, order) in live() {
        let user = order.user.filter(|user| ended.get(user).is_some_and(|ended| ended.len() > most));
        // It spares nobody: the user's other sessions are refused once, and refresh.
        let order = match user {
            Some(user) => DenyOrder { key: user.to_string(), value: order.at.to_string(), user: None, ..order.clone() },
            None => order.clone(),
        };
        let (key, from) = (order.key.clone(), vec![place]);
        let entry = match entries.remove(&key) {
            Some((known, mut places)) => {
                places.extend(from);
                (known.and(&order), places)
            }
            // With itself: what an operator has sent at once may be too long.
            None => (order.clone().and(&order), from),
        };
        entries.insert(key, entry);
    }
    Folded { entries: entries.into_values().collect(), by_user }
}

#[cfg(test)]
mod tests;
