//! Who may import whom (docs/architecture.md), read off the `use` lines.

use std::fs;
use std::path::Path;

use crate::harness::repository;

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            // Tests may look anywhere.
            let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
            found.push((path.display().to_string(), code));
        }
    }
    found
}

#[track_caller]
fn forbids(folder: &str, forbidden: &[&str]) {
    let files = sources(&repository(folder));
    assert!(!files.is_empty(), "{folder} is empty");
    for (file, code) in files.iter().filter(|(file, _)| !file.ends_with("/tests.rs")) {
        for name in forbidden {
            let breach = code.lines().find(|line| !line.trim_start().starts_with("//") && line.contains(name));
            assert_eq!(breach, None, "{file} must not use {name}");
        }
    }
}

#[test]
fn the_domain_knows_no_other_layer_and_no_outside_world() {
    let layers = [
        "crate::app",
        "crate::config",
        "crate::crypto",
        "crate::http",
        "crate::secrets",
        "crate::store",
        "crate::use_cases",
    ];
    forbids("shared/src/domain", &layers);
    forbids("shared/src/domain", &["aws_", "http::", "tokio", "std::env", "SystemTime", "Instant::"]);
}

#[test]
fn use_cases_know_no_http() {
    forbids("shared/src/use_cases", &["http::", "lambda_http", "aws_"]);
}

#[test]
fn the_store_has_no_policy_and_no_http() {
    forbids("shared/src/store", &["crate::use_cases", "crate::http", "crate::app", "crate::crypto"]);
}

#[test]
fn crypto_knows_neither_store_nor_http() {
    forbids("shared/src/crypto", &["crate::use_cases", "crate::http", "crate::app", "crate::store", "aws_"]);
}

#[test]
fn mails_know_the_domain_alone() {
    forbids(
        "shared/src/mail",
        &["crate::app", "crate::config", "crate::crypto", "crate::http", "crate::secrets", "crate::store"],
    );
    forbids("shared/src/mail", &["crate::use_cases", "aws_", "http::", "tokio", "std::env", "SystemTime", "Instant::"]);
}

#[test]
fn what_leaves_by_itself_knows_the_domain_alone() {
    forbids(
        "shared/src/outbound",
        &[
            "crate::app",
            "crate::crypto",
            "crate::http",
            "crate::mail",
            "crate::secrets",
            "crate::store",
            "crate::use_cases",
        ],
    );
}

/// Migrations see items as they lie in the table, and so the SDK's values; none sends a request by itself.
#[test]
fn migrations_reach_the_table_through_the_store_alone() {
    forbids("shared/src/migrations", &["crate::http", "lambda_http", "aws_sdk_dynamodb::Client", "send()"]);
    forbids("shared/src/store", &["crate::migrations"]);
}

#[test]
fn functions_reach_the_store_through_use_cases_only() {
    let functions = fs::read_dir(repository("functions")).unwrap().map(|entry| entry.unwrap().path());
    for function in functions {
        let folder = format!("functions/{}/src", function.file_name().unwrap().to_str().unwrap());
        forbids(&folder, &["wardgate::store", "app.store", "aws_sdk", "aws_smithy", "tokio"]);
        let main = fs::read_to_string(repository(&format!("{folder}/main.rs"))).unwrap();
        let code = main.lines().filter(|line| !line.starts_with("//!") && !line.is_empty()).count();
        assert_eq!(code, 3, "{folder}/main.rs has {code} lines");
    }
}

#[test]
fn the_verifier_needs_no_aws_runtime_or_network() {
    forbids("shared/verify/src", &["aws_", "tokio", "hyper", "reqwest", "std::env", "SystemTime", "dangerous"]);
}

#[test]
fn files_stay_under_300_lines_without_their_tests() {
    for folder in ["shared/src", "shared/verify/src", "functions", "server/src", "transfer/src"] {
        for (file, code) in sources(&repository(folder)) {
            if !file.ends_with("/tests.rs") {
                assert!(code.lines().count() <= 300, "{file} has {} lines", code.lines().count());
            }
        }
    }
}
