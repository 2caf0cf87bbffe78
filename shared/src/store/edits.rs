//! Changes of items as they lie in the table, for migrations: what they look like may be older than any type of ours.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
};

use crate::domain::migration::Position;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// An item as it lies in the table.
pub type Item = HashMap<String, AttributeValue>;

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

/// Placeholders for names and values: a path's names may be words that DynamoDB has reserved.
#[derive(Default)]
struct Placeholders {
    names: Vec<String>,
    values: Vec<AttributeValue>,
}

impl Placeholders {
    fn path(&mut self, path: &str) -> String {
        let names: Vec<String> = path.split('.').map(|name| self.name(name)).collect();
        names.join(".")
    }

    fn name(&mut self, name: &str) -> String {
        let index = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#n{index}")
    }

    fn value(&mut self, value: &AttributeValue) -> String {
        self.values.push(value.clone());
        format!(":v{}", self.values.len() - 1)
    }
}

impl Store {
    /// Makes one change, and says what it consumed, in thousandths of a unit.
    pub async fn edit(&self, edit: &Edit) -> Result<(Edited, u64), StoreError> {
        let mut placeholders = Placeholders::default();
        let mut clauses = Vec::new();
        let set: Vec<String> = edit
            .set
            .iter()
            .map(|(path, value)| format!("{} = {}", placeholders.path(path), placeholders.value(value)))
            .collect();
        let removed: Vec<String> = edit.removed.iter().map(|path| placeholders.path(path)).collect();
        for (verb, parts) in [("SET", set), ("REMOVE", removed)] {
            if !parts.is_empty() {
                clauses.push(format!("{verb} {}", parts.join(", ")));
            }
        }
        // An update would make an item that is gone.
        let mut conditions = vec!["attribute_exists(pk)".to_owned()];
        for (path, value) in &edit.given {
            let path = placeholders.path(path);
            conditions.push(match value {
                Some(value) => format!("{path} = {}", placeholders.value(value)),
                None => format!("attribute_not_exists({path})"),
            });
        }
        let mut update = self
            .update(&Key::of_position(&edit.position))
            .update_expression(clauses.join(" "))
            .condition_expression(conditions.join(" AND "))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        for (index, name) in placeholders.names.into_iter().enumerate() {
            update = update.expression_attribute_names(format!("#n{index}"), name);
        }
        for (index, value) in placeholders.values.into_iter().enumerate() {
            update = update.expression_attribute_values(format!(":v{index}"), value);
        }
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
