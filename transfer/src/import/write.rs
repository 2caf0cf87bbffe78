//! Batches of rows, and what became of them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;
use wardgate::app::App;
use wardgate::domain::email::EmailKey;
use wardgate::store::imports::{Import, ImportedAccount, MAX_ACCOUNTS};

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
    /// The batch that has to be in the table before, counted from 0: it has an address that this one repeats, and the
    /// first row of an address wins.
    after: Option<u64>,
    /// How much of the file was read.
    position: u64,
}

/// A batch that is in the table.
pub(super) struct Done {
    /// In the order of the file.
    pub(super) rows: Vec<(u64, RowOutcome)>,
    pub(super) position: u64,
}

/// Makes batches of rows.
pub(super) struct Batches {
    open: Batch,
    /// How many were made.
    made: u64,
    /// In which of the batches that may still be under way an address is.
    recent: HashMap<EmailKey, u64>,
    addresses: VecDeque<HashSet<EmailKey>>,
    under_way: usize,
}

impl Batches {
    /// At most `under_way` of the batches that were made are not in the table yet.
    pub(super) fn new(under_way: usize) -> Self {
        Self { open: Batch::default(), made: 0, recent: HashMap::new(), addresses: VecDeque::new(), under_way }
    }

    /// Adds a row, and answers the batch that it no longer fits into. `position` is how much of the file was read.
    pub(super) fn add(
        &mut self,
        row: u64,
        account: Result<ImportedAccount, RowOutcome>,
        position: u64,
    ) -> Option<Batch> {
        let open = &self.open;
        let full = open.accounts.len() >= MAX_ACCOUNTS
            || open.refused.len() >= MAX_ACCOUNTS
            || account.as_ref().is_ok_and(|account| open.addresses.contains(&account.credential.email_key));
        let batch = full.then(|| self.take(position));
        match account {
            Ok(account) => {
                let address = &account.credential.email_key;
                self.open.after = self.open.after.max(self.recent.get(address).copied());
                self.open.addresses.insert(address.clone());
                self.open.accounts.push((row, account));
            }
            Err(refused) => self.open.refused.push((row, refused)),
        }
        batch
    }

    /// The batch as far as it has come.
    pub(super) fn take(&mut self, position: u64) -> Batch {
        let mut batch = Batch { position, ..std::mem::take(&mut self.open) };
        let addresses = std::mem::take(&mut batch.addresses);
        self.recent.extend(addresses.iter().map(|address| (address.clone(), self.made)));
        self.addresses.push_back(addresses);
        self.made += 1;
        if self.addresses.len() > self.under_way
            && let Some(oldest) = self.addresses.pop_front()
        {
            let number = self.made - 1 - u64::try_from(self.addresses.len()).unwrap_or_default();
            for address in oldest {
                // What a later batch repeats stays, under that one's number.
                if self.recent.get(&address) == Some(&number) {
                    self.recent.remove(&address);
                }
            }
        }
        batch
    }
}

/// Writes a batch; without an app only says what would be. `written` is how many are in the table.
pub(super) async fn write(
    app: Option<&Arc<App>>,
    batch: Batch,
    mut written: watch::Receiver<u64>,
) -> Result<Done, Failure> {
    if let Some(before) = batch.after {
        written.wait_for(|written| *written > before).await?;
    }
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
