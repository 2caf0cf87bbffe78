//! Counters with delays that grow (EN-02, [decision 4](../../../docs/decisions/0004-failure-limit.md)): in a window, and on
//! a known device.

use std::fmt::Write as _;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::domain::attempts::{FailureLimit, Failures, WindowedFailureLimit};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{Item, number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::limits::{NOT_YET_COUNTED, Place, Reservation, is_counted};
use crate::store::outcome::Outcome;

#[derive(Deserialize)]
struct FailureItem {
    failures: u32,
    last_at: Timestamp,
}

/// What counts consecutive failures.
pub(in crate::store) struct Counted<'a> {
    /// The item that has the counter.
    pub(in crate::store) key: &'a Key,
    /// What else the item has to be, as the beginning of a condition.
    pub(in crate::store) guard: &'a str,
    /// What else happens to it, as the end of an update; `:now` stands for the time.
    pub(in crate::store) also: &'a str,
    /// What these two need.
    pub(in crate::store) values: Vec<(&'static str, AttributeValue)>,
    /// The attempt's name: however often its answer is lost, it counts once.
    pub(in crate::store) attempt: &'a str,
}

impl Store {
    /// Counts an attempt, unless it is one too many or comes too early: then the item says which, if there is one.
    pub(in crate::store) async fn reserve_consecutive<T: DeserializeOwned>(
        &self,
        counted: Counted<'_>,
        limit: &FailureLimit,
        now: Timestamp,
    ) -> Result<Outcome<Option<Item>, T>, StoreError> {
        let Counted { key, guard, also, values, attempt } = counted;
        // One clause a delay: so few failures, and the last one so long ago.
        let mut condition = format!("{guard}{NOT_YET_COUNTED}(attribute_not_exists(failures) OR failures < :free");
        let steps = limit.steps();
        let update = self.update(key, format!("ADD failures :one SET last_at = :now, last_by = :by{also}"));
        let mut update = update.with(values).with([
            (":by", string(attempt)),
            (":one", number(1)),
            (":now", number(now.millis())),
            (":free", number(limit.free_failures.min(limit.most_failures))),
        ]);
        let uppers = steps.iter().skip(1).map(|(from, _)| *from).chain([limit.most_failures]);
        for (index, ((_, delay), upper)) in steps.iter().zip(uppers).enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(condition, " OR (failures < :upper{index} AND last_at <= :before{index})");
            update = update.with([
                (format!(":upper{index}"), number(upper)),
                (format!(":before{index}"), number(now.minus(*delay).millis())),
            ]);
        }
        condition.push(')');
        update.given(condition).returning_new().showing_met().send(&self.client).await?.read()
    }

    /// Counts an attempt in the current window, unless it is one too many or comes too early.
    pub async fn reserve_failure(
        &self,
        place: &Place,
        limit: &WindowedFailureLimit,
        attempt: &str,
        now: Timestamp,
    ) -> Result<Reservation, StoreError> {
        let end = limit.window().window_end(now);
        let counted = Counted {
            key: &place.key,
            guard: "",
            also: ", #ttl = :ttl",
            values: vec![(":ttl", number(end.unix_seconds() + 3600))],
            attempt,
        };
        match self.reserve_consecutive::<FailureItem>(counted, &limit.failures(), now).await? {
            Outcome::Written(_) => Ok(Reservation::Reserved),
            Outcome::Refused(Some(item)) if is_counted(&item, attempt) => Ok(Reservation::Reserved),
            Outcome::Refused(item) => {
                let item = item.ok_or(StoreError::Incomplete("no item with a failed condition"))?;
                let item: FailureItem = serde_dynamo::from_item(item)?;
                let found = Failures { count: item.failures, last_at: item.last_at };
                Ok(Reservation::Refused { retry_after: limit.retry_after(found, now) })
            }
        }
    }
}
