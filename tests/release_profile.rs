//! Which release binaries are optimised for speed. Fat LTO optimises at the level of the last crate, whatever the others'
//! are (decision 40), so each function that hashes has to say so itself. Those that carry the list of common passwords would
//! be too large.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wardgate::http::area::Area;
use wardgate_runtime_tests::binaries::{binary, functions};
use wardgate_server::endpoints::AREAS;

use crate::harness::repository;

/// What hashes a password or leads to it.
const HASHING: [&str; 3] = ["check_password_from(", "check_password_of(", "wrapped_hash("];
/// What leads to the list of common passwords.
const CHOOSING: [&str; 2] = ["choose_password(", "choose_next_password("];

/// All source below a folder or in a file, without its unit tests.
fn source(path: &Path) -> String {
    if path.is_file() {
        return fs::read_to_string(path).unwrap().split("#[cfg(test)]").next().unwrap().to_owned();
    }
    fs::read_dir(path).unwrap().map(|entry| source(&entry.unwrap().path())).collect()
}

/// The use cases whose source has any of these, by the paths of their modules.
fn use_cases(any: &[&str]) -> BTreeSet<String> {
    let folder = repository("shared/src/use_cases");
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        let is_area =
            entry.join("mod.rs").exists() && AREAS.iter().any(|area| entry.ends_with(area.name.replace('-', "_")));
        let files =
            if is_area { fs::read_dir(entry).unwrap().map(|it| it.unwrap().path()).collect() } else { vec![entry] };
        for file in files.into_iter().filter(|file| any.iter().any(|part| source(file).contains(part))) {
            let path = file.strip_prefix(&folder).unwrap().with_extension("");
            found.insert(path.to_str().unwrap().replace('/', "::"));
        }
    }
    found
}

/// The functions that call a use case of those.
fn using(any: &[&str]) -> BTreeSet<String> {
    let modules = use_cases(any);
    let calls = |name: &String| {
        let (file, _) = binary(name);
        let own = |area: &Area| format!("functions/{}/src/{}.rs", area.name, name.replace('-', "_"));
        let own = AREAS.iter().map(own).find(|path| repository(path).exists());
        let source = source(&repository(&own.unwrap_or_else(|| file.replace(&format!("bin/{name}.rs"), "lib.rs"))));
        modules.iter().any(|module| source.contains(&format!("use_cases::{module}::")))
    };
    functions().into_iter().filter(calls).collect()
}

#[test]
fn every_function_that_hashes_and_fits_is_optimised_for_speed_and_no_other() {
    // Otherwise the list above is not whole.
    assert_eq!(
        use_cases(&[".hasher"]),
        BTreeSet::from(["accounts::password_reset", "choose_password", "password_check"].map(str::to_owned))
    );
    let (hashing, choosing) = (using(&HASHING), using(&CHOOSING));
    assert!(choosing.contains("register") && choosing.is_subset(&hashing), "{choosing:?} {hashing:?}");
    let expected: BTreeSet<String> = hashing.difference(&choosing).cloned().collect();
    assert!(expected.contains("login"), "{expected:?}");

    let manifest: toml::Table = fs::read_to_string(repository("Cargo.toml")).unwrap().parse().unwrap();
    let packages = manifest["profile"]["release"]["package"].as_table().unwrap();
    let package = |name: &String| binary(name).0.split('/').nth(1).unwrap().to_owned();
    let fast: BTreeSet<String> = functions().into_iter().filter(|name| packages.contains_key(&package(name))).collect();
    assert_eq!(fast, expected);
    for name in fast.iter().map(package).chain(["wardgate-server".to_owned()]) {
        let name = name.as_str();
        let level = packages[name]["opt-level"].as_integer();
        assert!(level.is_some_and(|level| level >= 2), "{name}: {level:?}");
        // A package with settings of its own does not take this one over.
        assert_eq!(packages[name].get("strip").and_then(toml::Value::as_bool), Some(true), "{name}");
    }
}
