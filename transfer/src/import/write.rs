//! Batches of rows, and what became of them.

use std::collections::HashSet;
use std::sync::Arc;

use wardgate::app::App;
use wardgate::domain::email::EmailKey;
use wardgate::store::imports::{Import, ImportedAccount};

use super::BATCH;
use crate::Failure;
use crate::formats::RowError;

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RowOutcome {
    Created,
    AlreadyImported,
    Refused(String),
}

impl RowOutcome {
    pub(super) fn refused(reason: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::Refused(reason.to_string())
    }
}

impl From<RowError> for RowOutcome {
    fn from(error: RowError) -> Self {
        Self::refused(&error)
    }
}

impl From<Import> for RowOutcome {
    fn from(import: Import) -> Self {
        match import {
            Import::Created => Self::Created,
            Import::AlreadyImported => Self::AlreadyImported,
            Import::RepeatedAddress { row } => Self::Refused(format!("the address stands in row {row} already")),
            Import::EmailTaken => Self::Refused("the address has an account already".to_owned()),
        }
    }
}

/// Rows that are written together. A transaction must not name an address twice.
#[derive(Default)]
pub(super) struct Batch {
    accounts: Vec<(u64, ImportedAccount)>,
    refused: Vec<(u64, RowOutcome)>,
    addresses: HashSet<EmailKey>,
    /// How much of the file was read.
    pub(super) position: u64,
}

/// A batch that is in the table.
pub(super) struct Done {
    /// In the order of the file.
    pub(super) rows: Vec<(u64, RowOutcome)>,
    pub(super) position: u64,
}

impl Batch {
    pub(super) fn is_full_for(&self, next: &Result<ImportedAccount, RowOutcome>) -> bool {
        self.accounts.len() >= BATCH
            || self.refused.len() >= BATCH
            || next.as_ref().is_ok_and(|account| self.addresses.contains(&account.credential.email_key))
    }

    pub(super) fn add(&mut self, row: u64, account: Result<ImportedAccount, RowOutcome>) {
        match account {
            Ok(account) => {
                self.addresses.insert(account.credential.email_key.clone());
                self.accounts.push((row, account));
            }
            Err(refused) => self.refused.push((row, refused)),
        }
    }
}

/// Writes a batch; without an app only says what would be.
pub(super) async fn write(app: Option<&Arc<App>>, batch: Batch) -> Result<Done, Failure> {
    let (numbers, accounts): (Vec<u64>, Vec<ImportedAccount>) = batch.accounts.into_iter().unzip();
    let outcomes = match app {
        Some(app) => app.store.import_accounts(&accounts).await?,
        None => vec![Import::Created; accounts.len()],
    };
    let mut rows = batch.refused;
    rows.extend(numbers.into_iter().zip(outcomes.into_iter().map(RowOutcome::from)));
    rows.sort_unstable_by_key(|(row, _)| *row);
    Ok(Done { rows, position: batch.position })
}
