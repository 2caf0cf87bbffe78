//! Which tests prove which line of docs/security.md. `make security-report` writes the answer down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::harness::repository;

/// Features that later versions bring. The first part of an id stands for all of its ids.
const LATER: [(&str, &str); 3] = [
    ("OA", "what exists of the OAuth provider is proven by the ids OC; the rest comes later"),
    ("OT-07", "there are no second factors yet"),
    ("OT-08", "there are no second factors yet"),
];

/// Lines of this version without a test. Whoever writes an id's first test takes the id out.
const NOT_BUILT_YET: [&str; 0] = [];

/// Lines whose tests cover only what exists.
const IN_PART: [(&str, &str); 3] = [
    ("PL-03", "no administration to record yet"),
    ("OC-24", "PAR, device_authorization and DPoP are not built yet"),
    ("OC-44", "after a restore an operator drops them again"),
];

const REPORT: &str = "docs/security-report.md";

/// A line of docs/security.md, under its heading.
struct Requirement {
    heading: String,
    id: String,
    /// Its first sentence.
    text: String,
}

/// A test, and the text that may name what it proves.
#[derive(Debug, PartialEq)]
struct Test {
    name: String,
    ids: BTreeSet<String>,
}

fn requirements() -> Vec<Requirement> {
    let list = fs::read_to_string(repository("docs/security.md")).unwrap();
    let (mut heading, mut found) = (String::new(), Vec::new());
    for line in list.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut heading);
        }
        let Some((id, text)) = line.strip_prefix("- ").and_then(|line| line.split_once(' ')) else { continue };
        if is_id(id) {
            let text = text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.');
            found.push(Requirement { heading: heading.clone(), id: id.to_owned(), text: text.to_owned() });
        }
    }
    found
}

/// `PW-03`.
fn is_id(word: &str) -> bool {
    matches!(word.as_bytes(), [a, b, b'-', c, d]
        if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit())
}

/// The ids that a text names, as `PW-03` or as `sec_pw_03`.
fn ids(text: &str) -> BTreeSet<String> {
    let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '-').map(str::to_owned);
    let names = text.split("sec_").skip(1).filter_map(|rest| Some(rest.get(..5)?.replace('_', "-").to_uppercase()));
    words.chain(names).filter(|word| is_id(word)).collect()
}

/// The name of the test that a line begins, if it begins one. `above` is what stands directly above the line.
fn test_name<'a>(extension: &str, line: &'a str, above: &[&str]) -> Option<&'a str> {
    let marked = |marks: &[&str]| above.iter().any(|line| marks.iter().any(|mark| line.starts_with(mark)));
    match extension {
        "rs" => {
            let (_, rest) =
                line.trim_start_matches("async ").split_once("fn ").filter(|(before, _)| before.is_empty())?;
            let name = rest.split('(').next()?;
            (marked(&["#[test]", "#[tokio::test"]) || name.starts_with("sec_")).then_some(name)
        }
        "py" => {
            let name = line.trim_start_matches("async ").strip_prefix("def ")?.split('(').next()?;
            ["test_", "check_", "sec_"].iter().any(|start| name.starts_with(start)).then_some(name)
        }
        _ => {
            let (_, rest) =
                line.trim_start_matches("await ").split_once("test(").filter(|(before, _)| before.is_empty())?;
            let quote = rest.chars().next().filter(|sign| "\"'`".contains(*sign))?;
            rest.split(quote).nth(1)
        }
    }
}

fn is_comment(extension: &str, line: &str) -> bool {
    line.starts_with(if extension == "py" { "#" } else { "//" })
}

/// The comment that a test's body begins with; in Python also its documentation.
fn first_comment(extension: &str, body: &[&str]) -> String {
    let mut comment = String::new();
    let (mut open, quotes) = (false, "\"\"\"");
    for (index, line) in body.iter().enumerate() {
        let begins = extension == "py" && index == 0 && line.starts_with(quotes);
        if !(open || begins || is_comment(extension, line)) {
            break;
        }
        comment += line;
        comment += "\n";
        let documentation = open || begins;
        open = documentation && line.matches(quotes).count() != if begins { 2 } else { 1 };
        if documentation && !open {
            break;
        }
    }
    comment
}

fn tests(extension: &str, source: &str) -> Vec<Test> {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    let mut found = Vec::new();
    let mut above = 0;
    for (index, line) in lines.iter().enumerate() {
        if let Some(name) = test_name(extension, line, &lines[above..index]) {
            let comments = lines[above..index].iter().filter(|line| is_comment(extension, line));
            let comments = comments.copied().collect::<Vec<_>>().join("\n");
            let named = format!("{name}\n{comments}\n{}", first_comment(extension, &lines[index + 1..]));
            found.push(Test { name: name.to_owned(), ids: ids(&named) });
        }
        if !(is_comment(extension, line) || line.starts_with("#[") || line.starts_with('@')) {
            above = index + 1;
        }
    }
    found
}

/// Every source file of the repository, by its path.
fn sources(folder: &Path, found: &mut BTreeMap<String, Vec<Test>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.starts_with('.') || ["target", "node_modules"].contains(&name) {
            continue;
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        // This file names ids that are not there.
        if path.is_dir() {
            sources(&path, found);
        } else if ["rs", "py", "js", "mjs"].contains(&extension) && name != "security_report.rs" {
            let relative = path.strip_prefix(repository("").canonicalize().unwrap()).unwrap().display().to_string();
            found.insert(relative, tests(extension, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The tests of each id.
fn proofs() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = BTreeMap::new();
    sources(&repository("").canonicalize().unwrap(), &mut files);
    let mut proofs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, tests) in files {
        for test in tests {
            for id in test.ids {
                proofs.entry(id).or_default().insert(format!("`{}` in {file}", test.name));
            }
        }
    }
    proofs
}

fn later(id: &str) -> Option<&'static str> {
    LATER.iter().find(|(listed, _)| *listed == id || id.split('-').next() == Some(listed)).map(|(_, reason)| *reason)
}

/// What is wrong with the list, the tests, or the lists above.
fn faults(requirements: &[Requirement], proofs: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut known = BTreeSet::new();
    for Requirement { id, .. } in requirements {
        let excused = later(id).is_some() || NOT_BUILT_YET.contains(&id.as_str());
        match (excused, proofs.get(id)) {
            (true, Some(tests)) => faults.push(format!("{id} is listed as not built, but has {tests:?}: take it out")),
            (false, None) => faults.push(format!("{id} has no test")),
            _ => {}
        }
        if !known.insert(id.as_str()) {
            faults.push(format!("{id} stands twice in docs/security.md"));
        }
    }
    for (id, tests) in proofs.iter().filter(|(id, _)| !known.contains(id.as_str())) {
        faults.push(format!("{id} is not in docs/security.md, but is named by {tests:?}"));
    }
    let listed = NOT_BUILT_YET.iter().chain(IN_PART.iter().chain(&LATER).map(|(id, _)| id));
    for id in listed.filter(|id| !known.iter().any(|known| known.starts_with(**id))) {
        faults.push(format!("{id} is excused in tests/security_report.rs, but not in docs/security.md"));
    }
    faults
}

fn report(requirements: &[Requirement], proofs: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut report = "# Security report\n\n\
        Each line of [the list](security.md) by its first sentence, with the tests that name its id. Written by\n\
        `make security-report`; a test fails when it is not current.\n"
        .to_owned();
    let count = |wanted: &dyn Fn(&str) -> bool| requirements.iter().filter(|it| wanted(&it.id)).count();
    let proved = count(&|id| proofs.contains_key(id));
    let not_built = count(&|id| NOT_BUILT_YET.contains(&id));
    let later_ones = count(&|id| later(id).is_some());
    let sum = requirements.len();
    writeln!(report, "\n{sum} lines: {proved} with tests, {not_built} not built yet, {later_ones} for later.").unwrap();
    let mut heading = "";
    for requirement in requirements {
        let Requirement { id, text, .. } = requirement;
        if heading != requirement.heading {
            heading = &requirement.heading;
            write!(report, "\n## {heading}\n\n").unwrap();
        }
        let part = IN_PART.iter().find(|(listed, _)| listed == id).map(|(_, missing)| format!("in part, {missing}"));
        let state = later(id).map(|reason| format!("excepted, {reason}"));
        let state = state.or_else(|| NOT_BUILT_YET.contains(&id.as_str()).then(|| "not built yet".to_owned())).or(part);
        let state = state.map(|state| format!(": *{state}*")).unwrap_or_default();
        writeln!(report, "- **{id}** {text}{state}").unwrap();
        for test in proofs.get(id).into_iter().flatten() {
            writeln!(report, "  - {test}").unwrap();
        }
    }
    report
}

/// `UPDATE_SNAPSHOTS=1` writes the report, also if this fails because of what it says.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn each_requirement_has_a_test_and_the_report_is_current() {
    let (requirements, proofs) = (requirements(), proofs());
    let current = report(&requirements, &proofs);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(repository(REPORT), &current).unwrap();
    }
    let faults = faults(&requirements, &proofs);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let kept = fs::read_to_string(repository(REPORT)).unwrap_or_default();
    assert!(kept == current, "{REPORT} is not current: run `make security-report`");
}

#[track_caller]
fn finds(extension: &str, source: &str, expected: &[(&str, &[&str])]) {
    let found: Vec<_> =
        tests(extension, source).into_iter().map(|test| (test.name, Vec::from_iter(test.ids))).collect();
    let expected: Vec<_> = expected.iter().map(|(name, ids)| ((*name).to_owned(), ids.to_vec())).collect();
    assert_eq!(format!("{found:?}"), format!("{expected:?}"));
}

#[test]
fn a_rust_test_names_ids_in_its_name_and_its_first_comment() {
    let source = "
        //! Not a test's (PW-01).
        /// Nor is a helper's (PW-02).
        fn helper() {}
        /// One above (PW-03),
        #[test]
        // between (PW-04)
        fn sec_pw_05_sec_se_06_first() {
            // and inside (PW-07).
            let code = 1; // not PW-08
            // nor later: PL-01
        }
        #[tokio::test(flavor = \"multi_thread\")]
        async fn second() {}
        fn sec_ot_01_in_a_macro(token in \".*\") {}";
    finds(
        "rs",
        source,
        &[
            ("sec_pw_05_sec_se_06_first", &["PW-03", "PW-04", "PW-05", "PW-07", "SE-06"]),
            ("second", &[]),
            ("sec_ot_01_in_a_macro", &["OT-01"]),
        ],
    );
}

#[test]
fn a_python_check_names_ids_in_its_documentation() {
    let source = "
def helper():
    \"\"\"PW-01\"\"\"

# Above (OT-02)
def check_first(api):
    \"\"\"Begins (OT-03),
    goes on (OT-04).\"\"\"
    # Not PW-01.

def test_sec_pw_05_second():
    \"\"\"One line (OT-05).\"\"\"
    call()";
    finds(
        "py",
        source,
        &[("check_first", &["OT-02", "OT-03", "OT-04"]), ("test_sec_pw_05_second", &["OT-05", "PW-05"])],
    );
}

#[test]
fn a_javascript_test_names_ids_in_its_title() {
    let source = "
        // SE-06
        helper();
        // Above (SE-07)
        test('SE-05, sessions', async () => {
            // inside (SE-10)
        });
        await test(\"sec_pw_06_change\", () => {});
        if (pattern.test(\"SE-01\")) {}";
    finds("mjs", source, &[("SE-05, sessions", &["SE-05", "SE-07", "SE-10"]), ("sec_pw_06_change", &["PW-06"])]);
}

#[test]
fn a_missing_test_an_unknown_id_and_an_excuse_that_is_over_are_faults() {
    let requirements = requirements();
    let proved = requirements.iter().filter(|it| later(&it.id).is_none() && !NOT_BUILT_YET.contains(&it.id.as_str()));
    let mut proofs: BTreeMap<_, _> =
        proved.map(|it| (it.id.clone(), BTreeSet::from(["`a test` in a file".to_owned()]))).collect();
    assert_eq!(faults(&requirements, &proofs), Vec::<String>::new());
    proofs.remove("PW-03").unwrap();
    proofs.insert("PW-99".to_owned(), BTreeSet::new());
    proofs.insert("OA-01".to_owned(), BTreeSet::new());
    let faults = faults(&requirements, &proofs);
    let begin: Vec<&str> = faults.iter().map(|fault| &fault[..5]).collect();
    assert_eq!(begin, ["PW-03", "OA-01", "PW-99"], "{faults:?}");
}
