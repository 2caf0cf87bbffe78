//! Changes nothing, and counts the passkeys.
//!
//! Contract: code that does not know it does not count passkeys among an account's factors, so that a password alone would open
//! accounts that have no others. From it on no such release is a way back, but by taking it back while nobody has one: its
//! tallies say how many there are.

use crate::migrations::{Course, Definition, Judging, Migration, Verdict};
use crate::store::edits::Item;
use crate::store::migrations::Selection;

const DEFINITION: Definition = Definition {
    number: "0004",
    name: "count-passkeys",
    timestamp: "20261130153000",
    contract: true,
    repeats: false,
    source: include_str!("m0004_count_passkeys.rs"),
};

/// See above.
pub(super) struct CountPasskeys;

impl Migration for CountPasskeys {
    fn definition(&self) -> &'static Definition {
        &DEFINITION
    }

    fn selection(&self) -> Selection {
        Selection { partition: "USER#", sorts: &["FACTOR#passkey#"] }
    }

    fn up<'a>(&'a self, _course: &'a Course<'a>, _item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async { Ok(Verdict::stays("passkeys")) })
    }

    fn down<'a>(&'a self, _course: &'a Course<'a>, _item: &'a Item) -> Judging<'a, Verdict> {
        Box::pin(async { Ok(Verdict::stays("passkeys")) })
    }
}
