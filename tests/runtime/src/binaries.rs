//! Where the functions' binaries are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The binary of the function `name`, as new as its source, in the profile of the running test.
///
/// Cargo builds no binaries of other packages for a test, and what an earlier build left behind may be old: the first
/// call builds all functions, which takes no time when nothing has changed. They are built apart from the workspace, as
/// they are for Lambda, so that a function whose code compiles only beside the server's features is noticed.
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
    let (own, folder) = (profile_folder(), target_folder());
    // Another one where something else needs the functions, too, so that they are built once.
    let profile =
        std::env::var("FUNCTIONS_PROFILE").unwrap_or_else(|_| match own.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev".to_owned(),
            other => other.to_owned(),
        });
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(repository()).args(["build", "--bins", "--profile", &profile, "--target-dir"]);
    command.arg(target_folder());
    for package in packages() {
        command.args(["--package", &package]);
    }
    // What cargo tells this test about its package would look like a change to build scripts that ask for the same.
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        command.env_remove(name);
    }
    assert!(command.status().unwrap().success(), "the functions do not build");
    folder.join(if profile == "dev" { "debug" } else { &profile })
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
