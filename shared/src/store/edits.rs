//! Changes of items as they lie in the table, for migrations: what they look like may be older than any type of ours.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ConsumedCapacity, ReturnConsumedCapacity};

use crate::domain::migration::Position;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;

pub use crate::store::attributes::Item;

/// A change of one item, which happens only if what it was computed from is still there. Paths are attribute names with
/// dots in between.
#[derive(Debug, Clone)]
pub struct Edit {
    position: Position,
    set: Vec<(&'static str, AttributeValue)>,
    removed: Vec<&'static str>,
    given: Vec<(&'static str, Option<AttributeValue>)>,
}

/// What became of an edit.
#[derive(Debug)]
pub enum Edited {
    /// The item is changed.
    Changed,
    /// The item was changed by somebody else meanwhile: as it is now, unless it is gone.
    Superseded(Option<Item>),
}

/// The text of an attribute.
pub fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
}

/// What lies at a path in an item.
pub fn at<'a>(item: &'a Item, path: &str) -> Option<&'a AttributeValue> {
    let mut names = path.split('.');
    let first = item.get(names.next()?)?;
    names.try_fold(first, |value, name| value.as_m().ok()?.get(name))
}

/// The keys of an item.
pub fn position_of(item: &Item) -> Option<Position> {
    Some(Position { pk: text(item, "pk")?.to_owned(), sk: text(item, "sk")?.to_owned() })
}

impl Edit {
    /// The beginning of a change of an item; `None` where the item has no keys.
    pub fn of(item: &Item) -> Option<Self> {
        let position = position_of(item)?;
        Some(Self { position, set: Vec::new(), removed: Vec::new(), given: Vec::new() })
    }

    /// Sets what lies at a path.
    #[must_use]
    pub fn set(mut self, path: &'static str, value: AttributeValue) -> Self {
        self.set.push((path, value));
        self
    }

    /// Removes what lies at a path.
    #[must_use]
    pub fn remove(mut self, path: &'static str) -> Self {
        self.removed.push(path);
        self
    }

    /// On condition that what lies at the path is what it is in `item`: there or not.
    #[must_use]
    pub fn given(mut self, item: &Item, path: &'static str) -> Self {
        self.given.push((path, at(item, path).cloned()));
        self
    }
}

/// A path of names, each a placeholder: they may be words that DynamoDB has reserved.
fn placeholders(path: &str) -> String {
    format!("#{}", path.replace('.', ".#"))
}

impl Store {
    /// Makes one change, and says what it consumed, in thousandths of a unit.
    pub async fn edit(&self, edit: &Edit) -> Result<(Edited, u64), StoreError> {
        let mut values = Vec::new();
        let mut bound = |value: &AttributeValue| {
            let name = format!(":v{}", values.len());
            values.push((name.clone(), value.clone()));
            name
        };
        let set = edit.set.iter().map(|(path, value)| format!("{} = {}", placeholders(path), bound(value)));
        let set: Vec<String> = set.collect();
        let removed: Vec<String> = edit.removed.iter().map(|path| placeholders(path)).collect();
        let clauses = [("SET", set), ("REMOVE", removed)].into_iter().filter(|(_, parts)| !parts.is_empty());
        let clauses: Vec<String> = clauses.map(|(verb, parts)| format!("{verb} {}", parts.join(", "))).collect();
        // An update would make an item that is gone.
        let mut conditions = vec!["attribute_exists(pk)".to_owned()];
        for (path, value) in &edit.given {
            let path = placeholders(path);
            conditions.push(match value {
                Some(value) => format!("{path} = {}", bound(value)),
                None => format!("attribute_not_exists({path})"),
            });
        }
        let update = self
            .update(&Key::of_position(&edit.position), clauses.join(" "))
            .given(conditions.join(" AND "))
            .with(values)
            .showing_met()
            .request(&self.client)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match update.send().await {
            Ok(output) => Ok((Edited::Changed, milliunits(output.consumed_capacity.as_ref()))),
            Err(error) => match error.as_service_error() {
                // A refused write costs as much, and says nothing of it.
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    Ok((Edited::Superseded(failed.item().cloned()), 1000))
                }
                _ => Err(error.into()),
            },
        }
    }
}

/// Thousandths of capacity units.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a request consumes little, and no less than nothing"
)]
pub(super) fn milliunits(consumed: Option<&ConsumedCapacity>) -> u64 {
    let units = consumed.and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
    (units * 1000.0) as u64
}
