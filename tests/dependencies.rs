//! What continuous integration lets in as a dependency.

use std::fs;

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

/// What a scan finds and lets be is `infra/secrets.toml`; `infra/tests/test_secret_scan.py` plants keys for it.
#[test]
fn continuous_integration_looks_for_secrets_in_the_whole_history() {
    let read = |path: &str| fs::read_to_string(repository(path)).unwrap();
    assert!(read(".ci/run").lines().any(|line| line.trim() == "step secrets make secrets"));
    let check = read(".github/workflows/check.yml");
    assert!(check.contains("- run: .ci/run\n") && check.contains("fetch-depth: 0\n"), "the history is not there");
}
