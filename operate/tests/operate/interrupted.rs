//! An import that is killed goes on where it was.

use std::fmt::Write as _;
use std::path::Path;

use wardgate_operate::checkpoint::Checkpoint;

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

/// Imports until so many rows are noted, and kills it.
fn kill_after(folder: &Folder, file: &Path, rows: u64) -> u64 {
    let checkpoint = folder.path("rows.jsonl.import-progress.json");
    let mut import = folder.command("import", file, &["--checkpoint-rows", "33"]).spawn().unwrap();
    while done(&checkpoint) < rows {
        assert_eq!(import.try_wait().unwrap(), None, "it ended before row {rows}");
        std::thread::yield_now();
    }
    import.kill().unwrap();
    import.wait().unwrap();
    done(&checkpoint)
}

/// Puts the store aside, or back.
fn move_store(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("store.") {
            std::fs::rename(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

fn assert_it_began_anew(folder: &Folder, file: &Path) {
    let told = folder.import(file, &[]);
    assert!(told.contains("not into this store as it is now"), "{told}");
    assert!(!told.contains("going on"), "{told}");
    let accounts = ROWS - ROWS / REFUSED_EVERY;
    assert!(told.contains(&format!("{accounts} accounts created in development, 0 were imported before")), "{told}");
    assert_eq!(folder.exported().len(), accounts, "every row of the file is there");
    let errors = std::fs::read_to_string(folder.path("rows.jsonl.errors.csv")).unwrap();
    assert_eq!(errors.lines().count(), 1 + ROWS / REFUSED_EVERY, "each refused row stands in the list once");
}

#[test]
fn a_store_that_was_deleted_since_gets_every_row() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    kill_after(&folder, &file, 500);
    move_store(&folder.data(), &folder.path("gone"));
    assert_it_began_anew(&folder, &file);
}

#[test]
fn a_store_that_was_restored_to_an_earlier_time_gets_every_row() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    kill_after(&folder, &file, 100);
    // A copy from then, in the place of what it became since.
    std::fs::create_dir(folder.path("backup")).unwrap();
    for entry in std::fs::read_dir(folder.data()).unwrap().map(Result::unwrap) {
        std::fs::copy(entry.path(), folder.path("backup").join(entry.file_name())).unwrap();
    }
    kill_after(&folder, &file, 700);
    move_store(&folder.data(), &folder.path("later"));
    move_store(&folder.path("backup"), &folder.data());
    let told = folder.import(&file, &[]);
    assert!(told.contains("not into this store as it is now"), "{told}");
    assert_eq!(folder.exported().len(), ROWS - ROWS / REFUSED_EVERY, "every row of the file is there");
}

#[test]
fn another_store_gets_every_row() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    kill_after(&folder, &file, 500);
    let other = Folder::new();
    let told = other.import(&file, &[]);
    assert!(told.contains("not into this store as it is now"), "{told}");
    assert_eq!(other.exported().len(), ROWS - ROWS / REFUSED_EVERY);
    // The first one has lost nothing but its checkpoint.
    let told = folder.import(&file, &[]);
    assert!(!told.contains("going on"), "{told}");
    assert_eq!(folder.exported().len(), ROWS - ROWS / REFUSED_EVERY);
}

#[test]
fn a_list_of_refused_rows_that_was_lost_meanwhile_is_a_clear_message() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    kill_after(&folder, &file, 500);
    folder.file("rows.jsonl.errors.csv", "row");
    let told = folder.refused("import", &file, &[]);
    assert!(told.contains("shorter than the interrupted run left it") && told.contains("--restart"), "{told}");
    folder.import(&file, &["--restart"]);
    assert_eq!(folder.exported().len(), ROWS - ROWS / REFUSED_EVERY);
}

#[test]
fn what_is_counted_at_the_end_of_an_interrupted_import_is_true_of_all_of_it() {
    let folder = Folder::new();
    let file = folder.file("rows.jsonl", &rows());
    kill_after(&folder, &file, 500);
    let summary = folder.path("summary.json");
    folder.import(&file, &["--summary", summary.to_str().unwrap()]);
    let summary: serde_json::Value = serde_json::from_slice(&std::fs::read(summary).unwrap()).unwrap();
    let number = |name: &str| usize::try_from(summary[name].as_u64().unwrap()).unwrap();
    let accounts = ROWS - ROWS / REFUSED_EVERY;
    assert_eq!(number("read"), ROWS);
    assert_eq!(number("created") + number("already_imported"), accounts);
    assert_eq!((number("without_password"), number("without_name")), (accounts, accounts));
    assert_eq!(number("refused"), ROWS / REFUSED_EVERY);
    assert_eq!(summary["refused_because"]["the part after the @ is not a domain name"], ROWS / REFUSED_EVERY);
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
