//! What continuous integration lets in as a dependency.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use crate::harness::repository;

/// The rules themselves are `make deny`'s and `make advisories`'s.
#[test]
fn sec_pl_04_dependencies_are_checked_and_each_exception_has_a_reason_and_a_date() {
    let read = |path: &str| fs::read_to_string(repository(path)).unwrap();
    assert!(read(".ci/run").lines().any(|line| line.trim() == "step deny make deny"));
    assert!(read(".github/workflows/check.yml").contains("make advisories"));
    let rules = read("deny.toml");
    let (mut comment, mut exceptions) = (String::new(), 0);
    for pair in rules.lines().map(str::trim).collect::<Vec<_>>().windows(2) {
        let [above, line] = pair else { unreachable!() };
        if let Some(text) = line.strip_prefix("# ") {
            if !above.starts_with('#') {
                comment.clear();
            }
            comment += text;
        } else if ["{ id = ", "exceptions = ", "wrappers = "].iter().any(|exception| line.contains(exception)) {
            exceptions += 1;
            let (date, reason) = comment.split_at_checked(10).unwrap_or_default();
            let dated = date.split('-').flat_map(str::parse::<u16>).count() == 3;
            assert!(dated && reason.len() > 20, "{line} has neither date nor reason above it");
        }
    }
    assert!(exceptions >= 4, "{exceptions}");
}

/// What a package links under these features of its own, by the lock file: `cargo tree` reads nothing else.
fn linked(package: &str, features: &[&str]) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", package]);
    tree.args(["--no-default-features", "--features", &features.join(",")]);
    let output = tree.current_dir(repository("")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn sec_pl_06_what_is_for_a_laptop_is_in_no_image_and_what_is_for_a_server_in_no_function() {
    let of_a_laptop = ["dynoxide-rs", "rsa", "wardgate-generate", "libsqlite3-sys"];
    let of_nobody = ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl-sys", "h2"];
    let of_a_server = ["lettre", "aws-sdk-dynamodbstreams"];
    // It signs for every region, which one service asks for.
    let of_the_edge = ["aws-sdk-cloudfrontkeyvaluestore", "p256"];
    let image = linked("wardgate-server", &["standalone"]);
    for name in of_a_laptop.into_iter().chain(of_nobody).chain(of_the_edge) {
        assert!(!image.contains(name), "the image links {name}");
    }
    let of_operators = linked("wardgate-operate", &[]);
    for name in of_nobody.into_iter().chain(["dynoxide-rs", "libsqlite3-sys"]) {
        assert!(!of_operators.contains(name), "wardgate-operate links {name}");
    }
    assert!(of_operators.contains("rsa") && of_operators.contains("age"), "{of_operators:?}");
    let laptop = linked("wardgate-server", &["dev"]);
    assert!(of_a_laptop.iter().all(|name| laptop.contains(*name)), "{laptop:?}");
    assert!(of_a_server.iter().all(|name| image.contains(*name)), "{image:?}");
    let of_no_function: Vec<&str> = of_a_server.into_iter().chain(of_a_laptop).chain(of_nobody).collect();
    for function in [
        "edge-sync",
        "events",
        "logout-notifier",
        "mailer",
        "eraser",
        "audit-watch",
        "sign-in",
        "accounts",
        "pages",
        "service",
    ] {
        let function_links = linked(function, &[]);
        let foreign = of_no_function.iter().find(|name| function_links.contains(**name));
        assert_eq!(foreign, None, "{function} links it");
        let is_the_edges = of_the_edge.map(|name| function_links.contains(name));
        assert_eq!(is_the_edges, [function == "edge-sync"; 2], "{function}");
    }
}

/// What a scan finds and lets be is `infra/secrets.toml`; `infra/tests/test_secret_scan.py` plants keys for it.
#[test]
fn continuous_integration_looks_for_secrets_in_the_whole_history() {
    let read = |path: &str| fs::read_to_string(repository(path)).unwrap();
    assert!(read(".ci/run").lines().any(|line| line.trim() == "step secrets make secrets"));
    let check = read(".github/workflows/check.yml");
    assert!(check.contains("- run: .ci/run\n") && check.contains("fetch-depth: 0\n"), "the history is not there");
}
