//! What is to be done next: from what this release knows, what the table says, and what was asked for.

use crate::domain::migration::{Direction, MigrationState, MigrationStatus};
use crate::domain::timestamp::Timestamp;
use crate::migrations::{Aim, Migration};
use crate::use_cases::migrate::Refusal;

/// A migration that this release knows, and what the table and the keys say of it.
pub(in crate::use_cases) struct Known<'a> {
    pub(in crate::use_cases) migration: &'a dyn Migration,
    pub(in crate::use_cases) state: Option<&'a MigrationState>,
    pub(in crate::use_cases) aim: Option<Aim>,
}

impl Known<'_> {
    pub(in crate::use_cases) fn number(&self) -> &'static str {
        self.migration.definition().number
    }

    /// Whether applying it would do anything. `again` is when somebody asked for those that repeat.
    pub(in crate::use_cases) fn is_due(&self, again: Option<Timestamp>) -> bool {
        let (Some(aim), definition) = (&self.aim, self.migration.definition()) else { return false };
        self.state.is_none_or(|state| {
            let asked = definition.repeats && again.is_some_and(|since| state.started_at < since);
            state.status != MigrationStatus::Applied || state.revision != aim.revision || asked
        })
    }

    /// Whether there is anything to be taken back.
    pub(in crate::use_cases) fn is_there(&self) -> bool {
        self.state.is_some_and(|state| state.status != MigrationStatus::Reverted)
    }
}

/// What stands against doing anything: a migration that was changed after it was begun, or one to be taken back that this
/// release does not know.
pub(in crate::use_cases) fn check(
    known: &[Known<'_>],
    states: &[MigrationState],
    to: Option<&str>,
) -> Result<(), Refusal> {
    if let Some(to) = to
        && to != "0000"
        && !known.iter().any(|it| it.number() == to)
    {
        return Err(Refusal::new("unknown_target", format!("this release knows no migration {to}")));
    }
    for state in states.iter().filter(|state| state.status != MigrationStatus::Reverted) {
        match known.iter().find(|it| it.number() == state.number) {
            Some(it) if it.migration.definition().checksum() != state.checksum => {
                let detail = format!(
                    "{} {} was changed after it was begun here: what is applied never changes, write another one",
                    state.number, state.name
                );
                return Err(Refusal::new("checksum_mismatch", detail));
            }
            None if to.is_some_and(|to| state.number.as_str() > to) => {
                let detail = format!(
                    "{} {} is applied and this release does not know it: take it back with the release that does",
                    state.number, state.name
                );
                return Err(Refusal::new("unknown_migration", detail));
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is left to be done, in order: first back, then forth.
pub(in crate::use_cases) fn steps(
    known: &[Known<'_>],
    to: Option<&str>,
    again: Option<Timestamp>,
) -> Vec<(usize, Direction)> {
    let above = |it: &Known<'_>| to.is_some_and(|to| it.number() > to);
    let back = known.iter().enumerate().rev().filter(|(_, it)| above(it) && it.is_there());
    let forth = known.iter().enumerate().filter(|(_, it)| !above(it) && it.is_due(again));
    let back = back.map(|(index, _)| (index, Direction::Down));
    back.chain(forth.map(|(index, _)| (index, Direction::Up))).collect()
}
