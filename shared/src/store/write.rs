//! Writes of one item: as a request of their own, or as parts of a transaction. The write is the check.

use std::collections::HashMap;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{
    self, AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use serde::Serialize;

use crate::store::Store;
use crate::store::attributes::Item;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::{ItemOutcome, Outcome};

/// Replaces the whole item.
pub(super) struct Put(Item);
/// Changes attributes of an item, which it makes if there is none.
pub(super) struct Update {
    key: Item,
    expression: String,
    returns_new: bool,
}
/// Deletes an item.
pub(super) struct Delete(Item);
/// Changes nothing: a condition on another item of the transaction.
pub(super) struct Check(Item);

/// A write of one item, with what its expressions need. A word after `#` in them stands for itself: DynamoDB has reserved
/// some.
pub(super) struct Write<Act> {
    table: String,
    act: Act,
    condition: Option<String>,
    values: HashMap<String, AttributeValue>,
    shows_met: bool,
}

impl<Act> Write<Act> {
    fn new(table: &str, act: Act) -> Self {
        Self { table: table.to_owned(), act, condition: None, values: HashMap::new(), shows_met: false }
    }

    /// On this condition.
    pub(super) fn given(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// And on this one, too. Neither may have an OR outside parentheses.
    pub(super) fn and(mut self, condition: &str) -> Self {
        self.condition = Some(match self.condition {
            Some(before) => format!("{before} AND {condition}"),
            None => condition.to_owned(),
        });
        self
    }

    /// What the expressions' `:names` stand for.
    pub(super) fn with<Name: Into<String>>(mut self, values: impl IntoIterator<Item = (Name, AttributeValue)>) -> Self {
        self.values.extend(values.into_iter().map(|(name, value)| (name.into(), value)));
        self
    }

    /// Shows the item that the condition failed on.
    pub(super) fn showing_met(mut self) -> Self {
        self.shows_met = true;
        self
    }
}

impl Write<Put> {
    /// Puts an item that has its keys.
    pub(super) fn put(table: &str, item: Item) -> Self {
        Self::new(table, Put(item))
    }

    /// Must not meet an item.
    pub(super) fn given_none(self) -> Self {
        self.given("attribute_not_exists(pk)")
    }
}

impl Write<Update> {
    /// Changes the item with these keys.
    pub(super) fn update(table: &str, key: Item, expression: impl Into<String>) -> Self {
        Self::new(table, Update { key, expression: expression.into(), returns_new: false })
    }

    /// Gives the item as it is afterwards.
    pub(super) fn returning_new(mut self) -> Self {
        self.act.returns_new = true;
        self
    }
}

impl Write<Delete> {
    /// Deletes the item with these keys.
    pub(super) fn delete(table: &str, key: Item) -> Self {
        Self::new(table, Delete(key))
    }
}

/// Hands what every kind of write has to the SDK's builder of that kind.
macro_rules! hand_over {
    ($write:ident, $builder:expr, $($expression:expr)?) => {{
        let expressions = [$write.condition.as_deref(), $(Some($expression))?];
        let names = names(expressions.into_iter().flatten());
        let met = $write.shows_met.then_some(ReturnValuesOnConditionCheckFailure::AllOld);
        $builder
            .table_name($write.table)
            .set_expression_attribute_names((!names.is_empty()).then_some(names))
            .set_expression_attribute_values((!$write.values.is_empty()).then_some($write.values))
            .set_return_values_on_condition_check_failure(met)
    }};
}

/// Sends a request, and tells a failed condition from a failure.
macro_rules! send {
    ($request:expr, $error:ident) => {
        match Box::pin($request.send()).await {
            Ok(output) => Ok(Outcome::Written(output.attributes)),
            Err(error) => match error.as_service_error() {
                Some($error::ConditionalCheckFailedException(failed)) => Ok(Outcome::Refused(failed.item().cloned())),
                _ => Err(StoreError::from(error)),
            },
        }
    };
}

impl Write<Put> {
    /// As a request of its own.
    pub(super) async fn send(self, client: &Client) -> Result<ItemOutcome, StoreError> {
        let request = hand_over!(self, client.put_item(),).set_item(Some(self.act.0));
        send!(request.set_condition_expression(self.condition), PutItemError)
    }
}

impl Write<Update> {
    /// As a request of its own, unsent.
    pub(super) fn request(self, client: &Client) -> UpdateItemFluentBuilder {
        hand_over!(self, client.update_item(), &self.act.expression)
            .set_key(Some(self.act.key))
            .update_expression(self.act.expression)
            .set_return_values(self.act.returns_new.then_some(ReturnValue::AllNew))
            .set_condition_expression(self.condition)
    }

    /// As a request of its own.
    pub(super) async fn send(self, client: &Client) -> Result<ItemOutcome, StoreError> {
        send!(self.request(client), UpdateItemError)
    }
}

impl Write<Delete> {
    /// As a request of its own.
    pub(super) async fn send(self, client: &Client) -> Result<ItemOutcome, StoreError> {
        let request = hand_over!(self, client.delete_item(),).set_key(Some(self.act.0));
        send!(request.set_condition_expression(self.condition), DeleteItemError)
    }
}

/// A write as a part of a transaction.
pub(super) struct Part(Result<TransactWriteItem, BuildError>);

impl Part {
    pub(super) fn into_item(self) -> Result<TransactWriteItem, StoreError> {
        self.0.map_err(|_| StoreError::Incomplete("a part of a transaction without table, key or expression"))
    }
}

impl From<Write<Put>> for Part {
    fn from(write: Write<Put>) -> Self {
        let put = hand_over!(write, types::Put::builder(),).set_item(Some(write.act.0));
        let put = put.set_condition_expression(write.condition).build();
        Self(put.map(|put| TransactWriteItem::builder().put(put).build()))
    }
}

impl From<Write<Update>> for Part {
    fn from(write: Write<Update>) -> Self {
        let update = hand_over!(write, types::Update::builder(), &write.act.expression)
            .set_key(Some(write.act.key))
            .update_expression(write.act.expression);
        let update = update.set_condition_expression(write.condition).build();
        Self(update.map(|update| TransactWriteItem::builder().update(update).build()))
    }
}

impl From<Write<Delete>> for Part {
    fn from(write: Write<Delete>) -> Self {
        let delete = hand_over!(write, types::Delete::builder(),).set_key(Some(write.act.0));
        let delete = delete.set_condition_expression(write.condition).build();
        Self(delete.map(|delete| TransactWriteItem::builder().delete(delete).build()))
    }
}

impl From<Write<Check>> for Part {
    fn from(write: Write<Check>) -> Self {
        let check = hand_over!(write, types::ConditionCheck::builder(),).set_key(Some(write.act.0));
        let check = check.set_condition_expression(write.condition).build();
        Self(check.map(|check| TransactWriteItem::builder().condition_check(check).build()))
    }
}

/// The words after `#`, each standing for itself.
fn names<'a>(expressions: impl Iterator<Item = &'a str>) -> HashMap<String, String> {
    let after_sign = expressions.flat_map(|expression| expression.split('#').skip(1));
    let words = after_sign.filter_map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next());
    words.map(|word| (format!("#{word}"), word.to_owned())).collect()
}

/// An item with its keys, as it is written.
#[derive(Serialize)]
struct Keyed<'a, T> {
    pk: &'a str,
    sk: &'a str,
    #[serde(flatten)]
    item: &'a T,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<i64>,
}

impl Store {
    /// Puts an item under a key, to be deleted by the table some time after `ttl`, in seconds.
    pub(super) fn put<T: Serialize>(&self, key: &Key, item: &T, ttl: Option<i64>) -> Result<Write<Put>, StoreError> {
        let (pk, sk) = key.parts();
        Ok(Write::put(&self.table, serde_dynamo::to_item(Keyed { pk, sk, item, ttl })?))
    }

    /// As [`Self::put`], and must not meet an item; it shows the one that it met.
    pub(super) fn put_new<T: Serialize>(
        &self,
        key: &Key,
        item: &T,
        ttl: Option<i64>,
    ) -> Result<Write<Put>, StoreError> {
        Ok(self.put(key, item, ttl)?.given_none().showing_met())
    }

    /// Changes the item under a key.
    pub(super) fn update(&self, key: &Key, expression: impl Into<String>) -> Write<Update> {
        Write::update(&self.table, key.attributes(), expression)
    }

    /// Deletes the item under a key.
    pub(super) fn delete(&self, key: &Key) -> Write<Delete> {
        Write::delete(&self.table, key.attributes())
    }

    /// A condition on the item under a key.
    pub(super) fn check(&self, key: &Key, condition: impl Into<String>) -> Write<Check> {
        Write::new(&self.table, Check(key.attributes())).given(condition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_after_a_number_sign_stands_for_itself() {
        let found = names(["SET #status = :active, a.#ttl = :ttl", "#status_2=:b"].into_iter());
        let mut found: Vec<_> = found.into_iter().collect();
        found.sort();
        let expected = [("#status", "status"), ("#status_2", "status_2"), ("#ttl", "ttl")];
        assert_eq!(found, expected.map(|(name, word)| (name.to_owned(), word.to_owned())));
    }
}
