//! Which release binaries are optimised for speed. Fat LTO optimises at the level of the last crate, whatever the others'
//! are (decision 40), so each function that hashes has to say so itself. Those that carry the list of common passwords would
//! be too large.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wardgate_runtime_tests::binaries::functions;

use crate::harness::repository;

/// What hashes a password or leads to it.
const HASHING: [&str; 3] = ["check_password(", "check_password_from(", "wrapped_hash("];
/// What leads to the list of common passwords.
const CHOOSING: [&str; 1] = ["choose_password("];

/// All source below a folder or in a file, without its unit tests.
fn source(path: &Path) -> String {
    if path.is_file() {
        return fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap().to_owned();
    }
    fs::read_dir(path).unwrap().map(|entry| source(&entry.unwrap().path())).collect()
}

/// The use cases whose source has any of these, by the names of their modules.
fn use_cases(any: &[&str]) -> BTreeSet<String> {
    let entries = fs::read_dir(repository("shared/src/use_cases")).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.filter(|path| any.iter().any(|part| source(path).contains(part)));
    found.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The functions that call a use case of those.
fn using(any: &[&str]) -> BTreeSet<String> {
    let modules = use_cases(any);
    let calls = |name: &String| {
        let source = source(&repository(&format!("functions/{name}/src")));
        modules.iter().any(|module| source.contains(&format!("use_cases::{module}::")))
    };
    functions().into_iter().filter(calls).collect()
}

#[test]
fn every_function_that_hashes_and_fits_is_optimised_for_speed_and_no_other() {
    // Otherwise the list above is not whole.
    assert_eq!(use_cases(&[".hasher"]), BTreeSet::from(["choose_password", "password_check"].map(str::to_owned)));
    let (hashing, choosing) = (using(&HASHING), using(&CHOOSING));
    assert!(choosing.contains("register") && choosing.is_subset(&hashing), "{choosing:?} {hashing:?}");
    let expected: BTreeSet<String> = hashing.difference(&choosing).cloned().collect();
    assert!(expected.contains("login"), "{expected:?}");

    let manifest: toml::Table = fs::read_to_string(repository("Cargo.toml")).unwrap().parse().unwrap();
    let packages = manifest["profile"]["release"]["package"].as_table().unwrap();
    let fast: BTreeSet<String> = functions().into_iter().filter(|name| packages.contains_key(name)).collect();
    assert_eq!(fast, expected);
    for name in fast.iter().map(String::as_str).chain(["wardgate-server"]) {
        let level = packages[name]["opt-level"].as_integer();
        assert!(level.is_some_and(|level| level >= 2), "{name}: {level:?}");
        // A package with settings of its own does not take this one over.
        assert_eq!(packages[name].get("strip").and_then(toml::Value::as_bool), Some(true), "{name}");
    }
}
