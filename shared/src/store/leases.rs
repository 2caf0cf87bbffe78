//! Who of several replicas does what only one is to do (SA-09). How long a lease lasts is its holder's affair.

use serde::Deserialize;

use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{Item, number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;

/// How long a lease that nobody wants any more lies in the table, in seconds: longer than a stream keeps its records.
const FORGOTTEN: i64 = 7 * 24 * 3600;

/// A lease as its holder has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What it is for.
    pub name: String,
    /// Who has it.
    pub holder: String,
    /// How often it has changed hands. What is written with an older one is refused.
    pub fence: u64,
    /// How far the work has come, as whoever had it last has said.
    pub checkpoint: Option<String>,
}

/// Whether a lease could be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// It could.
    Taken(Held),
    /// Another has it.
    Busy,
    /// Its work is done, for good.
    Finished,
}

/// What became of a change of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// It is still the holder's.
    Kept,
    /// Another has it, and nothing was changed.
    Lost,
}

#[derive(Deserialize)]
struct Lease {
    fence: u64,
    checkpoint: Option<String>,
}

impl Store {
    /// Takes a lease until a time, unless another has it now.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Taking, StoreError> {
        let take = self
            .update(&Key::lease(name), "SET holder = :holder, held_until = :until, #ttl = :ttl ADD fence :one")
            // The holder's own: the answer to an earlier try was lost.
            .given(
                "attribute_not_exists(finished) \
                 AND (attribute_not_exists(holder) OR held_until <= :now OR holder = :holder)",
            )
            .with([
                (":holder", string(holder)),
                (":until", number(until.millis())),
                (":ttl", number(until.unix_seconds() + FORGOTTEN)),
                (":one", number(1)),
                (":now", number(now.millis())),
            ])
            .returning_new()
            .showing_met();
        Ok(match take.send(&self.client).await?.read::<Lease>()? {
            Outcome::Written(Lease { fence, checkpoint }) => {
                Taking::Taken(Held { name: name.to_owned(), holder: holder.to_owned(), fence, checkpoint })
            }
            Outcome::Refused(met) if is_finished(met.as_ref()) => Taking::Finished,
            Outcome::Refused(_) => Taking::Busy,
        })
    }

    /// Keeps a lease until a later time, and notes how far the work has come.
    pub async fn keep_lease(&self, held: &Held, until: Timestamp) -> Result<Keeping, StoreError> {
        let noted = if held.checkpoint.is_some() { ", checkpoint = :checkpoint" } else { "" };
        let checkpoint = held.checkpoint.as_ref().map(|checkpoint| (":checkpoint", string(checkpoint)));
        self.change_lease(held, &format!("SET held_until = :until, #ttl = :ttl{noted}"), until, checkpoint).await
    }

    /// Gives a lease back. Whoever takes it next goes on where this one has come to.
    pub async fn release_lease(&self, held: &Held, now: Timestamp) -> Result<Keeping, StoreError> {
        let noted = if held.checkpoint.is_some() { ", checkpoint = :checkpoint" } else { "" };
        let checkpoint = held.checkpoint.as_ref().map(|checkpoint| (":checkpoint", string(checkpoint)));
        let release = format!("SET held_until = :until, #ttl = :ttl{noted} REMOVE holder");
        self.change_lease(held, &release, now, checkpoint).await
    }

    /// Gives a lease back whose work is done: nobody takes it any more.
    pub async fn finish_lease(&self, held: &Held, now: Timestamp) -> Result<Keeping, StoreError> {
        let finish = "SET held_until = :until, #ttl = :ttl, finished = :at REMOVE holder";
        self.change_lease(held, finish, now, Some((":at", number(now.millis())))).await
    }

    async fn change_lease(
        &self,
        held: &Held,
        change: &str,
        until: Timestamp,
        more: Option<(&str, aws_sdk_dynamodb::types::AttributeValue)>,
    ) -> Result<Keeping, StoreError> {
        let change = self
            .update(&Key::lease(&held.name), change)
            .given("holder = :holder AND fence = :fence")
            .with([
                (":holder", string(&held.holder)),
                (":fence", number(held.fence)),
                (":until", number(until.millis())),
                (":ttl", number(until.unix_seconds() + FORGOTTEN)),
            ])
            .with(more);
        Ok(change.send(&self.client).await?.either(Keeping::Kept, Keeping::Lost))
    }
}

fn is_finished(met: Option<&Item>) -> bool {
    met.is_some_and(|item| item.contains_key("finished"))
}
