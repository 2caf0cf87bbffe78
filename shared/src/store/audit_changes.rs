//! The audit table's stream: what became of lines that are there to stay (PL-03), record by record, as Lambda hands it
//! over.

use serde::Deserialize;
use serde_dynamo::{AttributeValue, Item};

/// What an erasure takes out of the lines about an account (decision 23).
const ERASABLE: [&str; 4] = ["address", "user_agent", "holder_address", "holder_user_agent"];

/// One change of one line.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: EventName,
    user_identity: Option<UserIdentity>,
    dynamodb: Images,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum EventName {
    Insert,
    Modify,
    Remove,
}

/// Who deleted an item, if it was AWS.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserIdentity {
    principal_id: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images {
    keys: Item,
    old_image: Option<Item>,
    new_image: Option<Item>,
    /// Seconds.
    approximate_creation_date_time: f64,
}

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

impl AuditRecord {
    /// Names the change, the same in each delivery of it.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// Whom the line is about, for logs: never a key that is made of an address, or that somebody else made up (PL-02).
    pub fn subject(&self) -> &str {
        match self.partition() {
            partition if partition.starts_with("USER#") || partition.starts_with("STAGE#") => partition,
            partition if partition.starts_with("EMAIL#") => "EMAIL",
            _ => "unknown",
        }
    }

    /// What the change is.
    pub fn judge(&self) -> LineChange {
        match self.event_name {
            EventName::Insert => LineChange::Added,
            EventName::Modify if self.is_anonymised() => LineChange::Erased,
            EventName::Modify => LineChange::Changed,
            EventName::Remove if self.is_expired() => LineChange::Expired,
            // The lines about an address, whose keys are made of it.
            EventName::Remove if self.partition().starts_with("EMAIL#") => LineChange::Erased,
            EventName::Remove => LineChange::Deleted,
        }
    }

    fn partition(&self) -> &str {
        match self.dynamodb.keys.get("pk") {
            Some(AttributeValue::S(partition)) => partition,
            _ => "",
        }
    }

    /// Whether nothing happened to a line about an account but that it lost what tells of a person.
    fn is_anonymised(&self) -> bool {
        let (Some(old), Some(new)) = (&self.dynamodb.old_image, &self.dynamodb.new_image) else { return false };
        let kept = old.iter().filter(|(name, _)| !ERASABLE.contains(&name.as_str()));
        self.partition().starts_with("USER#")
            && !ERASABLE.iter().any(|name| new.contains_key(*name))
            && kept.clone().count() == new.len()
            && kept.clone().all(|(name, value)| new.get(name) == Some(value))
    }

    /// Whether the table itself deleted the line, and at its time. Whoever may change the table's settings can make it
    /// delete by another attribute.
    fn is_expired(&self) -> bool {
        let service = self.user_identity.as_ref().and_then(|identity| identity.principal_id.as_deref());
        let ttl = match self.dynamodb.old_image.as_ref().and_then(|line| line.get("ttl")) {
            Some(AttributeValue::N(seconds)) => seconds.parse::<f64>().ok(),
            _ => None,
        };
        service == Some("dynamodb.amazonaws.com")
            && ttl.is_some_and(|ttl| ttl <= self.dynamodb.approximate_creation_date_time)
    }
}
