//! What a change in the audit table is: its lines are there to stay (PL-03).

use serde_dynamo::AttributeValue;

use crate::store::stream::{EventName, StreamRecord};

/// What an erasure takes out of the lines about an account (decision 23).
const ERASABLE: [&str; 4] = ["address", "user_agent", "holder_address", "holder_user_agent"];

/// What a change of a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineChange {
    /// It was added.
    Added,
    /// Its time was over, and the table deleted it.
    Expired,
    /// What an erasure does.
    Erased,
    /// It was changed, and nobody may.
    Changed,
    /// It was deleted, and nobody may.
    Deleted,
}

impl StreamRecord {
    /// Whom the line is about, for logs: never a key that is made of an address, or that somebody else made up (PL-02).
    pub fn subject(&self) -> &str {
        match self.line_partition() {
            partition if partition.starts_with("USER#") || partition.starts_with("STAGE#") => partition,
            partition if partition.starts_with("EMAIL#") => "EMAIL",
            _ => "unknown",
        }
    }

    /// What the change of a line is.
    pub fn judge_line(&self) -> LineChange {
        match self.event_name {
            EventName::Insert => LineChange::Added,
            EventName::Modify if self.is_anonymised() => LineChange::Erased,
            EventName::Modify => LineChange::Changed,
            EventName::Remove if self.is_expired() => LineChange::Expired,
            // The lines about an address, whose keys are made of it.
            EventName::Remove if self.line_partition().starts_with("EMAIL#") => LineChange::Erased,
            EventName::Remove => LineChange::Deleted,
        }
    }

    /// Empty for an item that is no line: it is judged, too.
    fn line_partition(&self) -> &str {
        self.keys().map_or("", |(partition, _)| partition)
    }

    /// Whether nothing happened to a line about an account but that it lost what tells of a person.
    fn is_anonymised(&self) -> bool {
        let (Some(old), Some(new)) = (self.old_image(), self.new_image()) else { return false };
        let kept = old.iter().filter(|(name, _)| !ERASABLE.contains(&name.as_str()));
        self.line_partition().starts_with("USER#")
            && !ERASABLE.iter().any(|name| new.contains_key(*name))
            && kept.clone().count() == new.len()
            && kept.clone().all(|(name, value)| new.get(name) == Some(value))
    }

    /// Whether the table itself deleted the line, and at its time. Whoever may change the table's settings can make it
    /// delete by another attribute.
    fn is_expired(&self) -> bool {
        let ttl = match self.old_image().and_then(|line| line.get("ttl")) {
            Some(AttributeValue::N(seconds)) => seconds.parse::<i64>().ok(),
            _ => None,
        };
        self.is_by_the_table() && ttl.is_some_and(|ttl| ttl <= self.at().unix_seconds())
    }
}
