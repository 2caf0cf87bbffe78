//! Counters with delays that grow (EN-02, [decision 4](../../../docs/decisions/0004-failure-limit.md)): in a window, and on
//! a known device.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use serde::Deserialize;

use crate::domain::attempts::{FailureLimit, Failures, WindowedFailureLimit};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::number;
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::limits::{Reservation, Scope};

type Item = HashMap<String, AttributeValue>;

#[derive(Deserialize)]
struct FailureItem {
    failures: u32,
    last_at: Timestamp,
}

/// What became of an attempt that was to be counted among consecutive failures.
pub(in crate::store) enum Consecutive {
    /// It has been counted: the item as it is now.
    Reserved(Item),
    /// It has not: the item that refused it, if there is one.
    Refused(Option<Item>),
}

/// Counts an attempt on whatever item the update begins, unless it is one too many or comes too early. `guard` is what
/// else the item has to be, as the beginning of a condition, and `also` what else happens to it, as the end of an update;
/// `:now` stands for the time.
pub(in crate::store) async fn reserve_consecutive(
    counter: UpdateItemFluentBuilder,
    guard: &str,
    also: &str,
    limit: &FailureLimit,
    now: Timestamp,
) -> Result<Consecutive, StoreError> {
    // One clause a delay: so few failures, and the last one so long ago.
    let mut condition = format!("{guard}(attribute_not_exists(failures) OR failures < :free");
    let steps = limit.steps();
    let mut update = counter
        .update_expression(format!("ADD failures :one SET last_at = :now{also}"))
        .expression_attribute_values(":one", number(1))
        .expression_attribute_values(":now", number(now.millis()))
        .expression_attribute_values(":free", number(limit.free_failures.min(limit.most_failures)));
    let uppers = steps.iter().skip(1).map(|(from, _)| *from).chain([limit.most_failures]);
    for (index, ((_, delay), upper)) in steps.iter().zip(uppers).enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(condition, " OR (failures < :upper{index} AND last_at <= :before{index})");
        update = update
            .expression_attribute_values(format!(":upper{index}"), number(upper))
            .expression_attribute_values(format!(":before{index}"), number(now.minus(*delay).millis()));
    }
    condition.push(')');
    let answer = update
        .condition_expression(condition)
        .return_values(ReturnValue::AllNew)
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .send()
        .await;
    match answer {
        Ok(output) => {
            let item = output.attributes.ok_or(StoreError::Incomplete("no item with an update"))?;
            Ok(Consecutive::Reserved(item))
        }
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Consecutive::Refused(failed.item().cloned()))
            }
            _ => Err(error.into()),
        },
    }
}

impl Store {
    /// Counts an attempt in the current window, unless it is one too many or comes too early.
    pub async fn reserve_failure(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowedFailureLimit,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let (window, failures) = (limit.window(), limit.failures());
        let end = window.window_end(now);
        let counter = self
            .update(&Key::window(scope.name(), subject, window.window_start(now)))
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(end.unix_seconds() + 3600));
        match reserve_consecutive(counter, "", ", #ttl = :ttl", &failures, now).await? {
            Consecutive::Reserved(_) => Ok(Reservation::Reserved),
            Consecutive::Refused(item) => {
                let item = item.ok_or(StoreError::Incomplete("no item with a failed condition"))?;
                let item: FailureItem = serde_dynamo::from_item(item)?;
                let found = Failures { count: item.failures, last_at: item.last_at };
                Ok(Reservation::Refused { retry_after: limit.retry_after(found, now) })
            }
        }
    }

    /// Takes back an attempt that [`Self::reserve_failure`] counted at `now`. The others stay.
    pub async fn give_back_failure(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowedFailureLimit,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let start = limit.window().window_start(now);
        self.take_one_back(&Key::window(scope.name(), subject, start), "failures").await
    }
}
