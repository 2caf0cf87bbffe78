//! Accounts from other systems, many in one transaction.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use crate::domain::audit::AuditEntry;
use crate::domain::credential::Credential;
use crate::domain::id::ImportId;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{Item, number};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::write::{Part, Put, Write};

/// The most accounts of one transaction: each is three of the hundred items that a transaction may have.
pub const MAX_ACCOUNTS: usize = 33;
/// How long the note of an import's progress is kept.
const PROGRESS_KEPT: Duration = Duration::from_hours(30 * 24);

/// The row that an account came from. It is kept beside the credential, so that another import of the same file knows
/// its own rows from repeated addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRow {
    /// What identifies the file.
    pub file: String,
    /// The row's number.
    pub row: u64,
}

/// An account that is to exist.
#[derive(Debug)]
pub struct ImportedAccount {
    /// The user. The id is derived from the row, so that it is the same each time.
    pub user: User,
    /// The credential.
    pub credential: Credential,
    /// Where it came from.
    pub from: ImportRow,
    /// The line of the audit trail.
    pub audit: AuditEntry,
}

/// How far an import was when it noted it in the table.
#[derive(Serialize)]
struct ProgressItem {
    rows: u64,
}

/// Whether the table has seen as much of an import as its checkpoint says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resumption {
    /// It has: every row of it is there.
    Known,
    /// It is another table, or one from before: nothing is known about its rows.
    Unknown,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Import {
    /// The account exists now.
    Created,
    /// An earlier import of the same person created it; nothing was written.
    AlreadyImported,
    /// The address stands in another row of the same file; nothing was written.
    RepeatedAddress {
        /// That row's number.
        row: u64,
    },
    /// The address has an account of another origin; nothing was written.
    EmailTaken,
}

/// The credential as it is written.
#[derive(Serialize)]
struct WithOrigin<'a> {
    #[serde(flatten)]
    credential: &'a Credential,
    imported_from: &'a ImportRow,
}

impl Store {
    /// Creates those of the accounts that do not exist: each as a whole, none over another. No address may stand among
    /// them twice, and there may be at most [`MAX_ACCOUNTS`].
    pub async fn import_accounts(&self, accounts: &[ImportedAccount]) -> Result<Vec<Import>, StoreError> {
        let mut outcomes = vec![None; accounts.len()];
        loop {
            let open: Vec<usize> = (0..accounts.len()).filter(|index| outcomes.get(*index) == Some(&None)).collect();
            if open.is_empty() {
                break;
            }
            let mut parts = Vec::with_capacity(open.len() * PARTS);
            for account in open.iter().filter_map(|index| accounts.get(*index)) {
                parts.extend(self.import_parts(account)?);
            }
            let refusal = match self.transact_parts(parts).await? {
                Outcome::Written(()) => None,
                Outcome::Refused(refusal) => Some(refusal),
            };
            // The accounts that refused a transaction are judged by what they met; the others go into the next one.
            for (position, index) in open.into_iter().enumerate() {
                let (Some(account), Some(outcome)) = (accounts.get(index), outcomes.get_mut(index)) else { continue };
                let first = position * PARTS;
                *outcome = match &refusal {
                    None => Some(Import::Created),
                    Some(refusal) if refusal.failed(first) => Some(judge(account, refusal.met(first))),
                    // The person is here under another address: it was changed since.
                    Some(refusal) if refusal.failed(first + 1) => Some(Import::AlreadyImported),
                    Some(_) => None,
                };
            }
        }
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// Notes that the rows of an import are in the table, up to this one. A checkpoint beside the file is only true of a
    /// table with such a note.
    pub async fn note_import(&self, run: ImportId, rows: u64, now: Timestamp) -> Result<(), StoreError> {
        self.put_progress(run, rows, now)?.send(&self.client).await.map(drop)
    }

    /// Goes on with an import whose checkpoint says that this many rows are in the table, if the table's own note says so,
    /// too.
    pub async fn resume_import(&self, run: ImportId, rows: u64, now: Timestamp) -> Result<Resumption, StoreError> {
        let put = self.put_progress(run, rows, now)?.given("#rows >= :rows").with([(":rows", number(rows))]);
        Ok(put.send(&self.client).await?.either(Resumption::Known, Resumption::Unknown))
    }

    fn put_progress(&self, run: ImportId, rows: u64, now: Timestamp) -> Result<Write<Put>, StoreError> {
        self.put(&Key::import(run), &ProgressItem { rows }, Some(now.plus(PROGRESS_KEPT).unix_seconds()))
    }

    fn import_parts(&self, account: &ImportedAccount) -> Result<[Part; PARTS], StoreError> {
        let credential = WithOrigin { credential: &account.credential, imported_from: &account.from };
        Ok([
            self.put_new(&Key::credential(&account.credential.email_key), &credential, None)?.into(),
            self.put_new(&Key::user(account.user.id), &account.user, None)?.into(),
            self.audit_put(&account.audit)?.into(),
        ])
    }
}

/// Credential, user and audit line.
const PARTS: usize = 3;

/// What an account is, whose address has a credential.
fn judge(account: &ImportedAccount, met: Option<&Item>) -> Import {
    let attribute = |name: &str| met.and_then(|item| item.get(name)).cloned();
    let from =
        attribute("imported_from").and_then(|from| serde_dynamo::from_attribute_value::<_, ImportRow>(from).ok());
    let same_user = attribute("user_id") == Some(AttributeValue::S(account.user.id.to_string()));
    match from {
        Some(from) if from.file == account.from.file && from.row != account.from.row => {
            Import::RepeatedAddress { row: from.row }
        }
        _ if same_user => Import::AlreadyImported,
        _ => Import::EmailTaken,
    }
}
