//! What an import tells at its end: a table for people, the same as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// What is counted of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    /// Its row has no password: its owner sets one by *forgot password*.
    pub without_password: bool,
    /// It has no name, because its row has none or because that one was dropped.
    pub without_name: bool,
    /// Its row has a name that is not accepted.
    pub name_dropped: bool,
    /// What makes its hash cheap to guess.
    pub weakness: Option<&'static str>,
}

/// What became of the rows so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// New accounts.
    pub created: u64,
    /// Accounts that an earlier import had created.
    pub already_imported: u64,
    /// Rows in the list of errors.
    pub refused: u64,
    /// Of the accounts, those whose row has no password.
    pub without_password: u64,
    /// Of the accounts, those that got no name.
    pub without_name: u64,
    /// Of these, those whose row has a name that is not accepted.
    pub names_dropped: u64,
    /// Of the accounts, those with a weak hash, by what makes it weak.
    pub weak_hashes: BTreeMap<String, u64>,
    /// Of the refused rows, how many for which reason.
    pub refused_because: BTreeMap<String, u64>,
}

/// The most reasons that are told apart: some of them name a member of the file.
const MAX_REASONS: usize = 40;
const OTHER_REASONS: &str = "other reasons";

impl Counts {
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.created + self.already_imported + self.refused
    }

    /// Counts an account, whenever it was created.
    pub fn account(&mut self, traits: &Traits) {
        self.without_password += u64::from(traits.without_password);
        self.without_name += u64::from(traits.without_name);
        self.names_dropped += u64::from(traits.name_dropped);
        if let Some(weakness) = traits.weakness {
            *self.weak_hashes.entry(weakness.to_owned()).or_default() += 1;
        }
    }

    /// Counts a refused row.
    pub fn refusal(&mut self, reason: &str) {
        self.refused += 1;
        let known = self.refused_because.len() < MAX_REASONS || self.refused_because.contains_key(reason);
        *self.refused_because.entry(if known { reason } else { OTHER_REASONS }.to_owned()).or_default() += 1;
    }

    /// The table. In a dry run nothing was created.
    pub fn table(&self, dry_run: bool) -> String {
        let mut table = String::new();
        let mut line = |what: &str, count: u64| {
            // Writing to a String cannot fail.
            let _ = writeln!(table, "{count:>10}  {what}");
        };
        line("rows read", self.rows());
        line(if dry_run { "would be created, unless they exist" } else { "created" }, self.created);
        if !dry_run {
            line("imported before", self.already_imported);
        }
        line("– of these without password", self.without_password);
        line("– of these without name", self.without_name);
        line("– of these with a name that was dropped", self.names_dropped);
        for (weakness, count) in &self.weak_hashes {
            line(&format!("– of these with a weak hash: {weakness}"), *count);
        }
        line("refused", self.refused);
        for (reason, count) in &self.refused_because {
            line(&format!("– {reason}"), *count);
        }
        table
    }
}

/// The table as JSON.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The stage.
    pub stage: &'a str,
    /// The format.
    pub format: &'a str,
    /// All rows.
    pub read: u64,
    /// What became of them.
    #[serde(flatten)]
    pub counts: &'a Counts,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_that_are_told_are_bounded() {
        let mut counts = Counts::default();
        for number in 0..1000 {
            counts.refusal(&format!("the member x{number} is unknown"));
        }
        assert_eq!(counts.refused_because.len(), MAX_REASONS + 1);
        assert_eq!(counts.refused_because.values().sum::<u64>(), 1000);
    }
}
