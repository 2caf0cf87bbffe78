//! Where the functions' binaries are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary of the function `name`, as new as its source, in the profile of the running test.
///
/// Cargo builds no binaries of other packages for a test, and what an earlier build left behind may be old: the first
/// call builds all functions, which takes no time when nothing has changed. They are built with the whole workspace, whose
/// dependencies are those of the running test; `tests/dependencies.rs` holds what that would hide.
pub fn function_binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(build).join(name)
}

/// The target folder that the running test was built into.
pub fn target_folder() -> PathBuf {
    profile_folder().parent().unwrap().to_owned()
}

/// `<target>/<profile>`, from `<target>/<profile>/deps/<this test>`.
fn profile_folder() -> PathBuf {
    std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "asks about the build, not for configuration")]
fn build() -> PathBuf {
    let folder = profile_folder();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(repository()).args(["build", "--workspace", "--exclude", "wardgate-generate"]);
    for name in functions() {
        command.args(["--bin", &name]);
    }
    // Examples have what only tests ask for, and without them dependencies had fewer features.
    command.args(["--examples", "--profile", profile, "--target-dir"]).arg(target_folder());
    // What cargo tells this test about its package would look like a change to build scripts that ask for the same.
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        command.env_remove(name);
    }
    assert!(command.status().unwrap().success(), "the functions do not build");
    folder
}

/// The name of every function, in order: each is a binary of a package under `functions/`.
pub fn functions() -> Vec<String> {
    let binaries = packages().into_iter().flat_map(|package| names_in(&format!("functions/{package}/src/bin")));
    let mut names: Vec<String> = binaries.filter_map(|file| file.strip_suffix(".rs").map(str::to_owned)).collect();
    names.sort();
    names
}

/// The source of a function's binary, and where it is.
pub fn binary(function: &str) -> (String, String) {
    let mut files = packages().into_iter().map(|package| format!("functions/{package}/src/bin/{function}.rs"));
    let file = files.find(|file| repository().join(file).exists());
    let file = file.unwrap_or_else(|| panic!("there is no function {function}"));
    let text = std::fs::read_to_string(repository().join(&file)).unwrap();
    (file, text)
}

/// The packages that functions are in: areas, and those of one function that no route leads to.
fn packages() -> Vec<String> {
    names_in("functions")
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(repository().join(folder)).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
}

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
