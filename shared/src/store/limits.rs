//! Counters that decide whether a guess is evaluated at all (EN-01 to EN-03). They count in the table, never in a
//! process, and the increment is the decision.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, Update};
use serde::Deserialize;

use crate::domain::attempts::{FailureLimit, Failures, WindowLimit};
use crate::domain::email::EmailKey;
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::number;
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// Whether an attempt may be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reservation {
    /// It may, and has been counted.
    Reserved,
    /// It may not, for this long.
    Refused {
        /// When to try again.
        retry_after: Duration,
    },
}

/// What a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Sign-ins from one source.
    LoginSource,
    /// Registrations from one source.
    RegisterSource,
    /// Registrations of one address.
    RegisterAddress,
    /// Orders of mails from one source.
    MailSource,
    /// Orders of mails of one kind to one address from one source: the subject names all three.
    MailPair,
    /// Orders of mails of one kind to one address: the subject names both.
    MailAddress,
    /// As [`Self::MailPair`], for resets.
    ResetPair,
    /// As [`Self::MailAddress`], for resets.
    ResetAddress,
    /// Orders of mails of one kind from one known device: the subject names both.
    MailDevice,
    /// Mails of one kind that tell an owner of something: the subject names kind and address.
    NoticeAddress,
    /// Mails to owners that somebody tried to register their address.
    RegisterNotice,
    /// All mails but notices of changes.
    MailAll,
}

impl Scope {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LoginSource => "login_source",
            Self::RegisterSource => "register_source",
            Self::RegisterAddress => "register_address",
            Self::MailSource => "mail_source",
            Self::MailPair => "mail_pair",
            Self::MailAddress => "mail_address",
            Self::ResetPair => "reset_pair",
            Self::ResetAddress => "reset_address",
            Self::MailDevice => "mail_device",
            Self::NoticeAddress => "notice_address",
            Self::RegisterNotice => "register_notice",
            Self::MailAll => "mail_all",
        }
    }
}

type Item = HashMap<String, AttributeValue>;

#[derive(Deserialize)]
struct FailureItem {
    failures: u32,
    last_at: Timestamp,
}

/// What became of an attempt that was to be counted among consecutive failures.
pub(super) enum Consecutive {
    /// It has been counted: the item as it is now.
    Reserved(Item),
    /// It has not: the item that refused it, if there is one.
    Refused(Option<Item>),
}

/// Counts an attempt on whatever item the update begins, unless it is one too many or comes too early. `guard` is what
/// else the item has to be, as the beginning of a condition, and `also` what else happens to it, as the end of an update;
/// `:now` stands for the time.
pub(super) async fn reserve_consecutive(
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
    /// Counts a sign-in attempt against the address, known or not, unless it is one too many or comes too early.
    pub async fn reserve_sign_in(
        &self,
        email: &EmailKey,
        limit: &FailureLimit,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        // A counter of no account may have been given an end (migration 2): from the next attempt on it has none.
        let counter = self.update(&Key::login_failures(email)).expression_attribute_names("#ttl", "ttl");
        match reserve_consecutive(counter, "", " REMOVE #ttl", limit, now).await? {
            Consecutive::Reserved(_) => Ok(Reservation::Reserved),
            Consecutive::Refused(item) => {
                let item = item.ok_or(StoreError::Incomplete("no item with a failed condition"))?;
                let item: FailureItem = serde_dynamo::from_item(item)?;
                let failures = Failures { count: item.failures, last_at: item.last_at };
                Ok(Reservation::Refused { retry_after: limit.retry_after(failures, now) })
            }
        }
    }

    /// Forgets an address's failures: only a completed sign-in may (EN-02).
    pub async fn clear_sign_in_failures(&self, email: &EmailKey) -> Result<(), StoreError> {
        let key = Key::login_failures(email);
        let delete = self.client.delete_item().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk());
        delete.send().await.map(|_| ()).map_err(StoreError::from)
    }

    /// Counts an attempt in the current window, unless the window is full.
    pub async fn reserve_in_window(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let end = limit.window_end(now);
        let key = Key::window(scope.name(), subject, limit.window_start(now));
        let answer = self
            .update(&key)
            .update_expression("ADD attempts :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(attempts) OR attempts < :limit")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit.limit))
            .expression_attribute_values(":ttl", AttributeValue::N((end.unix_seconds() + 3600).to_string()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(Reservation::Reserved),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(Reservation::Refused { retry_after: end.since(now) })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// As [`Self::reserve_in_window`], as a part of a transaction.
    pub(super) fn window_update(
        &self,
        scope: Scope,
        subject: &str,
        limit: &WindowLimit,
        now: Timestamp,
    ) -> Result<Update, StoreError> {
        let key = Key::window(scope.name(), subject, limit.window_start(now));
        let ttl = limit.window_end(now).unix_seconds() + 3600;
        Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("ADD attempts :one SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(attempts) OR attempts < :limit")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":limit", number(limit.limit))
            .expression_attribute_values(":ttl", number(ttl))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }
}
