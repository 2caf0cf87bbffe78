//! What becomes of writes: the write is the check, so that each can be refused.

use serde::de::DeserializeOwned;

use crate::store::attributes::Item;
use crate::store::error::StoreError;

/// What became of a write.
#[derive(Debug)]
pub(super) enum Outcome<Refusal, Now = ()> {
    /// It happened.
    Written(Now),
    /// Its condition failed, and nothing was written.
    Refused(Refusal),
}

/// What became of a write of one item: the item as it is now, or the one that refused it, as far as either was asked for.
pub(super) type ItemOutcome = Outcome<Option<Item>, Option<Item>>;

impl<Refusal, Now> Outcome<Refusal, Now> {
    /// What was written, if it was.
    pub(super) fn written(self) -> Option<Now> {
        match self {
            Self::Written(now) => Some(now),
            Self::Refused(_) => None,
        }
    }

    /// One of two answers.
    pub(super) fn either<T>(self, written: T, refused: T) -> T {
        match self {
            Self::Written(_) => written,
            Self::Refused(_) => refused,
        }
    }
}

impl ItemOutcome {
    /// The item as it is now, read; the write asked for it.
    pub(super) fn read<T: DeserializeOwned>(self) -> Result<Outcome<Option<Item>, T>, StoreError> {
        Ok(match self {
            Self::Written(now) => {
                let now = now.ok_or(StoreError::Incomplete("no item with an update"))?;
                Outcome::Written(serde_dynamo::from_item(now)?)
            }
            Self::Refused(met) => Outcome::Refused(met),
        })
    }
}
