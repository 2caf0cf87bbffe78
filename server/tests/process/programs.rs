//! The client in TypeScript and the example of a function, which Node.js runs against the server as `make run` starts it. `make test`
//! prepares them; where Node.js is missing a test says that it was skipped, and `REQUIRE_INTEROP=1` makes that a failure.

use std::fs;
use std::process::Command;

use super::Server;
use super::browser::{repository, required};
use super::run::run;

#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn is_prepared(packages: &str) -> bool {
    let is_there = repository(packages).exists();
    if !is_there {
        assert!(!required(), "{packages} is missing");
        eprintln!("SKIPPED: {packages} is missing; `make test` installs it where Node.js is");
    }
    is_there
}

/// Its types are those of docs/api/openapi.json, the package has what it should, and what its page shows works.
#[test]
fn the_client_in_typescript_is_current_and_does_what_its_page_shows() {
    if !is_prepared("sdk/typescript/node_modules/openapi-typescript") {
        return;
    }
    let types = repository("sdk/typescript/src/schema.ts");
    let before = fs::read_to_string(&types).unwrap();
    run(Command::new("make").arg("sdk").current_dir(repository(".")));
    let after = fs::read_to_string(&types).unwrap();
    if after != before {
        fs::write(&types, before).unwrap();
        panic!("sdk/typescript/src/schema.ts is not what docs/api/openapi.json says: type make sdk");
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut tests = Command::new("npm");
    tests.args(["test", "--prefix", "sdk/typescript"]).current_dir(repository(".")).env("WARDGATE", &server.base);
    let said = run(&mut tests);
    assert!(said.contains("# pass 11\n") && said.contains("# fail 0\n"), "{said}");
}

/// By the lines of docs/start/node-lambda.md, with the function as it is and as one file.
#[test]
fn the_example_of_a_function_takes_the_tokens_that_its_page_says() {
    if !is_prepared("examples/node-lambda/node_modules/@wardgate/verifier") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let api = server.base.replace("127.0.0.1", "localhost");
    let said = run(Command::new("node").arg(repository("tests/browser/node_lambda.mjs")).arg(api));
    assert_eq!(said.lines().filter(|line| line.starts_with("ok ")).count(), 2, "{said}");
}
