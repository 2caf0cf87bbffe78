//! `docs/events.md` says what the types say.

use std::fmt::Write as _;
use std::fs;

use wardgate::domain::event::{EventDetail, EventKind};

use crate::harness::repository;

/// The generated part: a table of the kinds and the schema of what each carries.
fn generated() -> String {
    let mut text = "| `detail-type` | what happened |\n|---|---|\n".to_owned();
    for (kind, meaning) in EventKind::ALL {
        writeln!(text, "| `{}` | {meaning} |", kind.name()).unwrap();
    }
    let schema = schemars::schema_for!(EventDetail);
    writeln!(text, "\nThe schema of `detail`:\n\n```json\n{:#}\n```", schema.as_value()).unwrap();
    text
}

/// `UPDATE_SNAPSHOTS=1` writes what the code says.
#[test]
#[expect(clippy::disallowed_methods, reason = "asks whoever runs the test, not the configuration")]
fn the_document_of_events_is_what_the_code_says() {
    const MARK: &str = "<!-- generated from shared/src/domain/event.rs -->\n";
    let path = repository("docs/events.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, kept) = text.split_once(MARK).unwrap();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&path, format!("{before}{MARK}{}", generated())).unwrap();
        return;
    }
    assert!(kept == generated(), "docs/events.md is not current: run this test with UPDATE_SNAPSHOTS=1");
}
