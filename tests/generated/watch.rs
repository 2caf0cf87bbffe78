//! The routes of `make watch`: each endpoint, by its own method.

use std::collections::BTreeMap;
use std::fs;

use wardgate_server::router;

use super::File;
use crate::harness::repository;

const BEGIN: &str = "[workspace.metadata.lambda.watch.router]\n";

/// `Cargo.toml`, with its routes.
pub fn routes() -> File {
    let manifest = fs::read_to_string(repository("Cargo.toml")).unwrap();
    let (before, rest) = manifest.split_once(BEGIN).unwrap();
    let after = &rest[rest.find("\n[").unwrap()..];
    let mut paths: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (endpoint, method, path) in router::routes() {
        let route = format!("{{ method = \"{method}\", function = \"{}\" }}", endpoint.name);
        paths.entry(path).or_default().push(route);
    }
    let lines = paths.iter().map(|(path, routes)| format!("\"{path}\" = [{}]\n", routes.join(", ")));
    File { path: "Cargo.toml".to_owned(), content: format!("{before}{BEGIN}{}{after}", lines.collect::<String>()) }
}
