//! The corpus, replayed without libFuzzer: a finding that was fixed stays fixed on every `cargo test`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn replay(target: Target, seed: &Path) {
    let data = fs::read(seed).unwrap();
    // The target says what is wrong; this, with what.
    std::panic::catch_unwind(|| target(&data)).unwrap_or_else(|_| panic!("{} fails", seed.display()));
}

#[test]
fn every_seed_passes() {
    for (name, target) in TARGETS {
        for seed in entries(&folder("corpus").join(name)) {
            replay(target, &seed);
        }
    }
}

#[test]
fn every_golden_event_passes() {
    for function in entries(&folder("../events")).into_iter().filter(|path| path.is_dir()) {
        let is_event = |path: &PathBuf| !path.to_string_lossy().ends_with(".response.json");
        for event in entries(&function).into_iter().filter(is_event) {
            replay(event::run, &event);
        }
    }
}

#[test]
fn every_target_has_seeds_and_all_seeds_have_a_target() {
    let targets: BTreeSet<_> = TARGETS.into_iter().map(|(name, _)| folder("corpus").join(name)).collect();
    assert_eq!(targets, entries(&folder("corpus")).into_iter().collect());
}

#[test]
fn the_genuine_tokens_are_accepted() {
    jwt::assert_that_the_genuine_is_accepted();
    let seed = fs::read_to_string(folder("corpus/sealed_token/refresh")).unwrap();
    sealed_token::assert_that_it_opens(&seed);
}
