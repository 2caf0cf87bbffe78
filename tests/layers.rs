//! Who may import whom (docs/architecture.md), read off the paths in the source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use wardgate_runtime_tests::binaries::{binary, functions};

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
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
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
    forbids("shared/src/migrations", &["crate::use_cases"]);
    forbids("shared/src/store", &["crate::migrations"]);
}

#[test]
fn functions_reach_the_store_through_use_cases_only() {
    forbids("functions", &["wardgate::store", "app.store", "aws_sdk", "aws_smithy", "tokio"]);
    for function in functions() {
        let (file, main) = binary(&function);
        let code = main.lines().filter(|line| !line.starts_with("//!") && !line.is_empty()).count();
        assert_eq!(code, 3, "{file} has {code} lines");
    }
}

/// Where everybody may import everybody, nothing can be read, built or moved by itself.
#[test]
fn no_modules_of_the_crate_import_each_other_in_a_circle() {
    let imports = imports("shared/src");
    assert!(imports.len() > 150, "{}", imports.len());
    assert_eq!(circle(&imports), None);
    let top = |module: &str| module.split("::").next().unwrap().to_owned();
    let mut layers: Imports = BTreeMap::new();
    for (module, imported) in &imports {
        let others = imported.iter().map(|it| top(it)).filter(|it| *it != top(module));
        layers.entry(top(module)).or_default().extend(others);
    }
    assert_eq!(circle(&layers), None);
}

#[test]
fn a_circle_is_found_however_long_it_is() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph: Imports = BTreeMap::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
            graph.entry((*to).to_owned()).or_default();
        }
        graph
    };
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])), None);
    assert_eq!(circle(&graph(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")])).unwrap(), ["b", "c", "d"]);
    let paths = paths("use crate::a::{b::C, d};\nlet x = crate::e::f();\nuse crate::g::{self, H};");
    assert_eq!(paths, ["a::b::C", "a::d", "e::f", "g::self", "g::H"]);
}

type Imports = BTreeMap<String, BTreeSet<String>>;

/// Each module of the crate in `folder`, and which others its code names. A module and what is inside it are one thing.
fn imports(folder: &str) -> Imports {
    let root = repository(folder);
    let module = |file: &str| {
        let path = file.strip_prefix(&format!("{}/", root.display())).unwrap().trim_end_matches(".rs");
        path.trim_end_matches("/mod").replace('/', "::")
    };
    let sources = sources(&root).into_iter().map(|(file, code)| (module(&file), code));
    let sources: BTreeMap<String, String> =
        sources.filter(|(module, _)| module != "lib" && !module.ends_with("tests")).collect();
    let is_inside = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}::"));
    let target = |path: String| {
        let parts: Vec<&str> = path.split("::").collect();
        (1..=parts.len()).rev().map(|length| parts[..length].join("::")).find(|it| sources.contains_key(it))
    };
    let edges = sources.iter().map(|(module, code)| {
        let found = paths(code).into_iter().filter_map(target);
        (module.clone(), found.filter(|it| !is_inside(it, module) && !is_inside(module, it)).collect())
    });
    edges.collect()
}

/// Every path behind `crate::` in code, with the parts of braces one by one.
fn paths(code: &str) -> Vec<String> {
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    code.split("crate::").skip(1).flat_map(expand).collect()
}

fn expand(text: &str) -> Vec<String> {
    let end = text.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == ':')).unwrap_or(text.len());
    let (stem, rest) = text.split_at(end);
    let Some(inner) = rest.strip_prefix('{').filter(|_| stem.is_empty() || stem.ends_with("::")) else {
        return vec![stem.trim_end_matches(':').to_owned()];
    };
    // Braces within braces: rustfmt puts a `use` in as few lines as fit, and ours nest once at most.
    let inner = inner.split('}').next().unwrap();
    inner.split(',').map(|it| format!("{stem}{}", it.trim())).filter(|it| *it != stem).collect()
}

/// The modules of one circle, if there is any.
fn circle(imports: &Imports) -> Option<Vec<String>> {
    fn visit<'a>(
        module: &'a str,
        imports: &'a Imports,
        way: &mut Vec<&'a str>,
        done: &mut BTreeSet<&'a str>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = way.iter().position(|it| *it == module) {
            return Some(way[begin..].iter().map(|it| (*it).to_owned()).collect());
        }
        if done.contains(module) {
            return None;
        }
        way.push(module);
        let found = imports[module].iter().find_map(|it| visit(it, imports, way, done));
        way.pop();
        done.insert(module);
        found
    }
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| visit(module, imports, &mut Vec::new(), &mut done))
}

#[test]
fn the_verifier_needs_no_aws_runtime_or_network() {
    forbids("shared/verify/src", &["aws_", "tokio", "hyper", "reqwest", "std::env", "SystemTime", "dangerous"]);
}

#[test]
fn files_stay_under_300_lines_without_their_tests() {
    for folder in ["shared/src", "shared/verify/src", "functions", "server/src", "operate/src"] {
        for (file, code) in sources(&repository(folder)) {
            if !file.ends_with("/tests.rs") {
                assert!(code.lines().count() <= 300, "{file} has {} lines", code.lines().count());
            }
        }
    }
}
