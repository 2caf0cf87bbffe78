//! An import that is killed goes on where it was.

use std::fmt::Write as _;
use std::path::Path;

use wardgate_transfer::checkpoint::Checkpoint;

use crate::harness::Folder;

const ROWS: usize = 1500;
/// Every so many rows there is one that is refused.
const REFUSED_EVERY: usize = 100;

fn rows() -> String {
    (1..=ROWS).fold(String::new(), |mut text, row| {
        let domain = if row % REFUSED_EVERY == 0 { "localhost" } else { "example.com" };
        writeln!(text, r#"{{"email":"user{row}@{domain}","email_verified":true}}"#).unwrap();
        text
    })
}

/// How many rows the checkpoint says are done.
fn done(checkpoint: &Path) -> u64 {
    let Ok(text) = std::fs::read(checkpoint) else { return 0 };
    serde_json::from_slice::<Checkpoint>(&text).unwrap().counts.rows()
}

#[test]
fn killed_at_several_points_it_ends_with_every_account_once() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    let checkpoint = folder.path("rows.jsonl.import-progress.json");
    let arguments = ["--checkpoint-rows", "33", "--concurrency", "3"];
    let mut last = 0;
    for point in [1, 300, 700, 1100] {
        let mut import = folder.command("import", &file, &arguments).spawn().unwrap();
        while done(&checkpoint) < point {
            assert_eq!(import.try_wait().unwrap(), None, "it ended before row {point}");
            std::thread::yield_now();
        }
        import.kill().unwrap();
        import.wait().unwrap();
        let now = done(&checkpoint);
        assert!(now >= point && now >= last, "{now} after {last}");
        last = now;
    }
    let told = folder.import(&file, &arguments);
    assert!(told.contains(&format!("An earlier run did {last} rows: going on after them.")), "{told}");
    assert!(!checkpoint.exists());

    let exported = folder.exported();
    assert_eq!(exported.len(), ROWS - ROWS / REFUSED_EVERY);
    let errors = std::fs::read_to_string(folder.path("rows.jsonl.errors.csv")).unwrap();
    let refused: Vec<usize> =
        errors.lines().skip(1).map(|line| line.split_once(',').unwrap().0.parse().unwrap()).collect();
    let expected: Vec<usize> = (1..=ROWS / REFUSED_EVERY).map(|row| row * REFUSED_EVERY).collect();
    assert_eq!(refused, expected, "each refused row stands in the list once");

    let told = folder.import(&file, &arguments);
    assert!(
        told.contains(&format!("0 accounts created in development, {} were imported before", exported.len())),
        "{told}"
    );
    assert_eq!(folder.exported(), exported);
}

#[test]
fn a_changed_file_does_not_go_on_from_the_old_ones_row() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    let checkpoint = folder.path("rows.jsonl.import-progress.json");
    let mut import = folder.command("import", &file, &["--checkpoint-rows", "33"]).spawn().unwrap();
    while done(&checkpoint) == 0 {
        assert_eq!(import.try_wait().unwrap(), None, "it ended before the first checkpoint");
        std::thread::yield_now();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    folder.file("rows.jsonl", "{\"email\":\"other@example.com\"}\n");
    let told = folder.refused("import", &file, &[]);
    assert!(told.contains("is of another file, stage or format") && told.contains("--restart"), "{told}");
}
