//! What the documents name is there: verbs, files, headings, functions. And pages that share a table agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::repository;

const DATA_PROTECTION: &str = "docs/operations/data-protection.md";
const REQUIREMENTS: &str = "docs/operations/requirements.md";

/// A page, taken apart.
struct Page {
    path: PathBuf,
    /// The lines outside of code blocks.
    lines: Vec<String>,
    /// The lines of code blocks.
    code: Vec<String>,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (mut lines, mut code, mut is_code) = (Vec::new(), Vec::new(), false);
        for line in text.lines() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            } else if is_code {
                code.push(line.to_owned());
            } else {
                lines.push(line.to_owned());
            }
        }
        Self { path, lines, code }
    }

    /// A verb or a link may go over the end of a line.
    fn prose(&self) -> String {
        self.lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    }

    /// What a link can name after `#`.
    fn anchors(&self) -> BTreeSet<String> {
        self.lines.iter().filter(|line| line.starts_with('#')).map(|line| anchor(line)).collect()
    }

    /// The cells of each row of the table whose first line begins like this.
    fn table(&self, head: &str) -> Vec<Vec<String>> {
        let begin = self.lines.iter().position(|line| line.starts_with(head));
        let begin = begin.unwrap_or_else(|| panic!("{} has no table {head}", self.path.display()));
        self.lines[begin + 2..].iter().take_while(|line| line.starts_with('|')).map(|line| cells(line)).collect()
    }

    /// The rows of all tables, without their heads.
    fn rows(&self) -> Vec<Vec<String>> {
        let is_rule = |line: &str| line.starts_with("|--");
        let pairs = self.lines.windows(2).filter(|pair| pair[0].starts_with('|'));
        let rows = pairs.filter(|pair| !is_rule(&pair[0]) && !is_rule(&pair[1]));
        rows.map(|pair| cells(&pair[0])).collect()
    }
}

fn cells(row: &str) -> Vec<String> {
    row.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
}

/// As GitHub makes it of a heading: a link's text counts, its target does not.
fn anchor(heading: &str) -> String {
    let (mut text, mut rest) = (String::new(), heading.trim_start_matches('#').trim());
    while let Some((before, after)) = rest.split_once("](") {
        text += before;
        rest = after.split_once(')').map_or("", |(_, rest)| rest);
    }
    text += rest;
    let kept = text.to_lowercase();
    kept.chars()
        .filter(|it| it.is_alphanumeric() || " -_".contains(*it))
        .map(|it| if it == ' ' { '-' } else { it })
        .collect()
}

/// Every file with such an end that is the repository's own.
fn files(folder: &Path, end: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') || ["target", "node_modules"].contains(&name) {
            continue;
        }
        if path.is_dir() {
            files(&path, end, found);
        } else if name.ends_with(end) {
            found.push(path);
        }
    }
}

fn pages() -> Vec<Page> {
    let mut found = Vec::new();
    files(&repository("."), ".md", &mut found);
    found.into_iter().map(Page::read).collect()
}

/// The names of all functions of Rust and Python.
fn functions() -> BTreeSet<String> {
    let mut found = Vec::new();
    for folder in ["functions", "infra", "operate", "server", "shared", "tests"] {
        for end in [".rs", ".py"] {
            files(&repository(folder), end, &mut found);
        }
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut names = BTreeSet::new();
    for path in found {
        let text = fs::read_to_string(path).unwrap();
        for keyword in ["fn ", "def "] {
            names.extend(
                text.split(keyword)
                    .skip(1)
                    .filter_map(|rest| rest.split(|letter| !is_part(letter)).next())
                    .map(str::to_owned),
            );
        }
    }
    names
}

fn verbs() -> BTreeSet<String> {
    let makefile = fs::read_to_string(repository("Makefile")).unwrap();
    makefile.lines().filter_map(|line| line.strip_prefix(".PHONY: ")).map(str::to_owned).collect()
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn first_word(text: &str) -> &str {
    text.split(|letter: char| !letter.is_ascii_lowercase() && letter != '-').next().unwrap_or_default()
}

/// A page that says `make xyz` must not be the first to know of it.
#[test]
fn each_verb_that_a_document_types_is_a_target() {
    let verbs = verbs();
    let (mut found, mut missing) = (0, Vec::new());
    for page in pages() {
        let prose = page.prose();
        let typed = page.code.iter().filter_map(|line| line.trim().trim_start_matches("$ ").strip_prefix("make "));
        for typed in prose.split("`make ").skip(1).chain(typed) {
            found += 1;
            let verb = first_word(typed.trim_start());
            if !verbs.contains(verb) {
                missing.push(format!("{}: make {verb}", page.path.display()));
            }
        }
    }
    assert_eq!(missing, [""; 0]);
    assert!(found > 300, "only {found} commands were found");
}

#[test]
fn each_link_of_a_document_leads_to_a_file_and_a_heading_that_are_there() {
    let (mut found, mut broken) = (0, Vec::new());
    for page in pages() {
        let prose = page.prose();
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
            if link.contains(':') || link.contains(' ') {
                continue;
            }
            found += 1;
            let (path, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.path.clone() } else { page.path.parent().unwrap().join(path) };
            let is_page = target.extension().is_some_and(|end| end == "md");
            let leads =
                target.exists() && (heading.is_empty() || !is_page || Page::read(target).anchors().contains(heading));
            if !leads {
                broken.push(format!("{}: {link}", page.path.display()));
            }
        }
    }
    assert_eq!(broken, [""; 0]);
    assert!(found > 300, "only {found} links were found");
}

#[test]
fn each_kind_of_item_has_its_row_about_personal_data_and_no_row_is_about_another() {
    let architecture = Page::read(repository("docs/architecture.md"));
    let first = |rows: Vec<Vec<String>>| rows.into_iter().map(|row| row[0].clone()).filter(|cell| !cell.is_empty());
    let items = first(architecture.table("| item | pk / sk |"));
    let lines = first(architecture.table("| line | pk | sk |")).map(|line| format!("line {line}"));
    let expected: BTreeSet<String> = items.chain(lines).collect();
    let rows = Page::read(repository(DATA_PROTECTION)).table("| item | personal data |");
    assert_eq!(first(rows.clone()).collect::<BTreeSet<_>>(), expected, "left: the page, right: the architecture");
    let erasures = fs::read_to_string(repository("shared/src/store/erasures.rs")).unwrap();
    for row in rows {
        let [item, personal, _, kept, _, erased] = &row[..] else { panic!("{row:?}") };
        assert!(!kept.is_empty(), "{item}: until when?");
        let named = quoted(erased);
        assert!(personal.starts_with("none") || !named.is_empty(), "{item}: what erases it?");
        for method in named.into_iter().filter(|it| it.contains('_')) {
            assert!(erasures.contains(&format!("pub async fn {method}(")), "{item}: there is no {method}");
        }
    }
}

/// Whether something that a row names can be looked up, and is there.
enum Named {
    There,
    Missing,
    Other,
}

fn look_up(name: &str, verbs: &BTreeSet<String>, functions: &BTreeSet<String>) -> Named {
    let is = |there: bool| if there { Named::There } else { Named::Missing };
    let is_name = |it: &str| it.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
    let is_file = [".md", ".rs", ".py", ".sh", ".yml", ".yaml", ".json", ".toml"].iter().any(|end| name.ends_with(end));
    if let Some(typed) = name.strip_prefix("make ") {
        is(verbs.contains(first_word(typed)))
    } else if name.starts_with('/') || name.contains([' ', '<', ':']) {
        Named::Other
    } else if is_file || name.contains('/') {
        is(repository(name).exists())
    } else if is_name(name) && name.matches('_').count() > 1 {
        is(functions.contains(name))
    } else {
        Named::Other
    }
}

#[test]
fn each_requirement_names_what_can_be_looked_up_and_all_of_it_is_there() {
    let (verbs, functions) = (verbs(), functions());
    let rows = Page::read(repository(REQUIREMENTS)).rows();
    assert!(rows.len() > 100, "only {} requirements were found", rows.len());
    let mut wrong = Vec::new();
    for row in rows {
        let [section, _, met] = &row[..] else { panic!("not three cells: {row:?}") };
        let mut there = 0;
        for name in quoted(met) {
            match look_up(name, &verbs, &functions) {
                Named::There => there += 1,
                Named::Missing => wrong.push(format!("{section}: there is no {name}")),
                Named::Other => {}
            }
        }
        if there == 0 {
            wrong.push(format!("{section}: nothing that can be looked up in {met:?}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}
