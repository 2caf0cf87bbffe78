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
    let folder = profile_folder();
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(repository()).args(["build", "--bins", "--profile", profile, "--target-dir"]);
    command.arg(target_folder());
    for function in functions() {
        command.args(["--package", &function]);
    }
    // What cargo tells this test about its package would look like a change to build scripts that ask for the same.
    for (name, _) in
        std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        command.env_remove(name);
    }
    assert!(command.status().unwrap().success(), "the functions do not build");
    folder
}

/// The name of every function, in order.
pub fn functions() -> Vec<String> {
    let entries = std::fs::read_dir(repository().join("functions")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().join("Cargo.toml").exists());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
