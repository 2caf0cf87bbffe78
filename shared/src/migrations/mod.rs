//! Migrations of the data: each a file that never changes again once it was applied anywhere.
//!
//! They work on items as they lie in the table and not on the domain's types, which go on changing. What is written here
//! and how, docs/operations/migrations.md says.

mod m0001_rewrap_password_hashes;
mod m0002_expire_failures_of_no_account;
mod m0003_rewrap_totp_secrets;
mod m0004_count_passkeys;
pub mod sweep;

use std::pin::Pin;

use ring::digest::{SHA256, digest};
use serde::Serialize;

use crate::app::App;
use crate::domain::hex;
use crate::domain::migration::MigrationState;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::store::edits::{Edit, Item};
use crate::store::migrations::Selection;

/// Every migration, in order.
pub const MIGRATIONS: &[&dyn Migration] = &[
    &m0001_rewrap_password_hashes::RewrapPasswordHashes,
    &m0002_expire_failures_of_no_account::ExpireFailuresOfNoAccount,
    &m0003_rewrap_totp_secrets::RewrapTotpSecrets,
    &m0004_count_passkeys::CountPasskeys,
];

/// What a migration gives, in the making.
pub type Judging<'a, T> = Pin<Box<dyn Future<Output = Result<T, Fault>> + Send + 'a>>;

/// What is known of a migration without a table.
#[derive(Debug, Clone, Copy)]
pub struct Definition {
    /// Four digits; migrations go in their order.
    pub number: &'static str,
    /// What it does, in words with hyphens.
    pub name: &'static str,
    /// When it was written, `yyyymmddhhmmss`.
    pub timestamp: &'static str,
    /// Whether code that does not know it cannot read what it leaves. A release before it is then no way back.
    pub contract: bool,
    /// Whether it may be applied again where it is applied.
    pub repeats: bool,
    /// The text of its file.
    pub source: &'static str,
}

impl Definition {
    /// SHA-256 of the source, in hex.
    pub fn checksum(&self) -> String {
        hex(digest(&SHA256, self.source.as_bytes()).as_ref())
    }
}

/// What a migration would be done for now. Where it is applied for another revision, it is due again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aim {
    /// Such as the version of a key.
    pub revision: String,
    /// What taking it back goes back to.
    pub before: Option<String>,
}

impl Aim {
    /// The aim of what is done once and for all.
    pub fn once() -> Self {
        Self { revision: "1".to_owned(), before: None }
    }
}

/// What a migration makes of an item.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How it changes; none where it already is as it should be, or is not concerned.
    pub edit: Option<Edit>,
    /// What it counts as afterwards, for the report.
    pub tally: Option<String>,
    /// What judging consumed, in thousandths of a capacity unit.
    pub milliunits: u64,
}

impl Verdict {
    /// The item stays, and counts as this.
    pub fn stays(tally: impl Into<String>) -> Self {
        Self { tally: Some(tally.into()), ..Self::default() }
    }

    /// The item changes, and then counts as this.
    pub fn changes(edit: Option<Edit>, tally: impl Into<String>) -> Self {
        Self { edit, tally: Some(tally.into()), milliunits: 0 }
    }
}

/// What a verdict may depend on, beside the item: nothing that is another in a run that goes on where one was cut short.
#[derive(Clone, Copy)]
pub struct Course<'a> {
    /// For lookups, keys and randomness.
    pub app: &'a App,
    /// When this way began.
    pub started_at: Timestamp,
    /// What it is done for.
    pub revision: &'a str,
    /// What taking it back goes back to.
    pub before: Option<&'a str>,
}

impl<'a> Course<'a> {
    /// The course of a migration that was begun.
    pub fn of(app: &'a App, state: &'a MigrationState) -> Self {
        Self { app, started_at: state.started_at, revision: &state.revision, before: state.before.as_deref() }
    }
}

/// A migration. A verdict on an item that is already as it should be is that it stays: each may be judged many times.
pub trait Migration: Send + Sync {
    /// What is known of it without a table.
    fn definition(&self) -> &'static Definition;

    /// Which items it looks at.
    fn selection(&self) -> Selection;

    /// What it would be done for now; `None` where there is nothing yet that it could be done for.
    fn aim<'a>(&'a self, _app: &'a App, _now: Timestamp) -> Judging<'a, Option<Aim>> {
        Box::pin(async { Ok(Some(Aim::once())) })
    }

    /// What becomes of an item when it is applied.
    fn up<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict>;

    /// What becomes of an item when it is taken back.
    fn down<'a>(&'a self, course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict>;
}

/// A migration as `infra/migrations.json` has it.
#[derive(Debug, Serialize)]
pub struct Listed {
    number: &'static str,
    name: &'static str,
    timestamp: &'static str,
    contract: bool,
    repeats: bool,
    checksum: String,
}

/// What this release knows, as `infra/migrations.json` has it.
pub fn listed() -> Vec<Listed> {
    let definitions = MIGRATIONS.iter().map(|migration| migration.definition());
    let listed = definitions.map(|it| Listed {
        number: it.number,
        name: it.name,
        timestamp: it.timestamp,
        contract: it.contract,
        repeats: it.repeats,
        checksum: it.checksum(),
    });
    listed.collect()
}

#[cfg(test)]
mod m0000_template;

#[cfg(test)]
mod tests {
    use super::*;

    /// What `make migrate-new` copies.
    #[test]
    fn the_template_compiles_and_is_in_no_list() {
        assert_eq!(m0000_template::Template.definition().number, "0000");
        assert!(MIGRATIONS.iter().all(|migration| migration.definition().number != "0000"));
    }
}
