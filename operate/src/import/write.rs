//! Batches of rows, and what became of them.

use std::sync::Arc;

use wardgate::app::App;
use wardgate::store::accounts::imports::{Import, ImportedAccount, MAX_ACCOUNTS};

use crate::Failure;
use crate::formats::RowError;
use crate::summary::Traits;

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The same for every row that is refused for it.
    pub(super) reason: String,
    /// What the list of errors says, where that is more.
    pub(super) told: Option<String>,
}

impl Refusal {
    pub(super) fn because(reason: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self { reason: reason.to_string(), told: None }
    }

    /// Another row of the file has the same address or id, and becomes the account.
    pub(super) fn repeated(row: u64) -> Self {
        Self {
            reason: "the address or the id stands in another row, which is imported".to_owned(),
            told: Some(format!("the address or the id stands in row {row}, which is imported")),
        }
    }

    pub(super) fn told(&self) -> &str {
        self.told.as_ref().unwrap_or(&self.reason)
    }
}

impl From<RowError> for Refusal {
    fn from(error: RowError) -> Self {
        Self::because(&error)
    }
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowOutcome {
    Created(Traits),
    AlreadyImported(Traits),
    Refused(Refusal),
}

impl RowOutcome {
    fn of(import: Import, traits: Traits) -> Self {
        match import {
            Import::Created => Self::Created(traits),
            Import::AlreadyImported => Self::AlreadyImported(traits),
            Import::RepeatedAddress { row } => Self::Refused(Refusal {
                reason: "an earlier run imported the address from another row".to_owned(),
                told: Some(format!("an earlier run imported the address from row {row}")),
            }),
            Import::EmailTaken => Self::Refused(Refusal::because("the address has an account already")),
        }
    }
}

/// Rows that are written together. A transaction must not name an address twice: no file has two rows that are imported
/// with the same one.
#[derive(Default)]
pub(super) struct Batch {
    accounts: Vec<(u64, ImportedAccount, Traits)>,
    refused: Vec<(u64, RowOutcome)>,
    /// How much of the file was read.
    position: u64,
}

/// A batch that is in the table.
pub(super) struct Done {
    /// In the order of the file.
    pub(super) rows: Vec<(u64, RowOutcome)>,
    pub(super) position: u64,
}

impl Batch {
    /// Adds a row, and answers the batch that it no longer fits into. `position` is how much of the file was read.
    pub(super) fn add(
        &mut self,
        row: u64,
        account: Result<(ImportedAccount, Traits), Refusal>,
        position: u64,
    ) -> Option<Self> {
        let full = self.accounts.len() >= MAX_ACCOUNTS || self.refused.len() >= MAX_ACCOUNTS;
        let batch = full.then(|| self.take(position));
        match account {
            Ok((account, traits)) => self.accounts.push((row, account, traits)),
            Err(refusal) => self.refused.push((row, RowOutcome::Refused(refusal))),
        }
        batch
    }

    /// The batch as far as it has come.
    pub(super) fn take(&mut self, position: u64) -> Self {
        Self { position, ..std::mem::take(self) }
    }
}

/// Writes a batch; without an app only says what would be.
pub(super) async fn write(app: Option<&Arc<App>>, batch: Batch) -> Result<Done, Failure> {
    let (mut numbers, mut accounts) = (Vec::new(), Vec::new());
    for (row, account, traits) in batch.accounts {
        numbers.push((row, traits));
        accounts.push(account);
    }
    let outcomes = match app {
        Some(app) => app.store.import_accounts(&accounts).await?,
        None => vec![Import::Created; accounts.len()],
    };
    let mut rows = batch.refused;
    let written = numbers.into_iter().zip(outcomes);
    rows.extend(written.map(|((row, traits), outcome)| (row, RowOutcome::of(outcome, traits))));
    rows.sort_unstable_by_key(|(row, _)| *row);
    Ok(Done { rows, position: batch.position })
}
