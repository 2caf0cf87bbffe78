//! Rows that make no account, and runs that make none.

use crate::harness::{Folder, fixture, told};

const HASH: &str = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";

#[test]
fn refused_rows_are_listed_with_number_and_reason_and_nothing_of_the_row() {
    let folder = Folder::new();
    let rows = [
        format!(r#"{{"email":"one@example.com","password_hash":"{HASH}"}}"#),
        "{ this is no JSON".to_owned(),
        r#"{"email":"canary@localhost"}"#.to_owned(),
        r#"{"name":"canary"}"#.to_owned(),
        r#"{"email":"two@example.com","password_hash":"canary-hash"}"#.to_owned(),
        r#"{"email":"two@example.com","password_hash":"md5$canary$3f86d0d3d465b7b458c231bf3555c0e3"}"#.to_owned(),
        r#"{"email":"two@example.com","passwordHash":"canary"}"#.to_owned(),
        r#"{"email":"two@example.com","email_verified":"canary"}"#.to_owned(),
        r#"{"email":"two@example.com","created_at":"canary"}"#.to_owned(),
        r#"{"email":"two@example.com","name":"canary\nline"}"#.to_owned(),
        format!(r#"{{"email":"ONE@example.com","password_hash":"{HASH}"}}"#),
        r#"{"email":"three@example.com"}"#.to_owned(),
    ];
    let file = folder.file("rows.jsonl", &rows.join("\n"));
    for _ in 0..2 {
        let told = folder.import(&file, &[]);
        assert!(told.contains("9 rows refused"), "{told}");
        let errors = std::fs::read_to_string(folder.path("rows.jsonl.errors.csv")).unwrap();
        let lines: Vec<&str> = errors.lines().collect();
        let expected = [
            "row,reason",
            "2,\"the row is not a JSON object\"",
            "3,\"the part after the @ is not a domain name\"",
            "4,\"the account has no email address\"",
            "5,\"the password hash is of no scheme that is supported\"",
            "6,\"the password hash is of no scheme that is supported\"",
            "7,\"the member passwordHash is unknown\"",
            "8,\"the member email_verified is not true or false\"",
            "9,\"the member created_at is not a time\"",
            "11,\"the address or the id stands in row 1, which is imported\"",
        ];
        assert_eq!(lines, expected);
        assert!(!errors.contains("canary") && !told.contains("canary"), "{errors}");
    }
    assert_eq!(folder.exported().len(), 3);
}

#[test]
fn sec_pw_07_hashes_beyond_the_caps_are_refused_at_import() {
    let folder = Folder::new();
    let tail = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let hashes = [
        format!("$argon2id$v=19$m=65537,t=2,p=1${tail}"),
        format!("$argon2id$v=19$m=64,t=11,p=1${tail}"),
        format!("$argon2id$v=19$m=64,t=2,p=5${tail}"),
        "$2b$15$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe".to_owned(),
        format!("$scrypt$ln=17,r=8,p=1${tail}"),
        format!("$scrypt$ln=14,r=8,p=5${tail}"),
        format!("$pbkdf2-sha256$i=2000001${tail}"),
        format!("pbkdf2_sha256$1${}$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "s".repeat(512)),
    ];
    let rows = hashes.iter().enumerate();
    let rows = rows.map(|(n, hash)| format!("{{\"email\":\"user{n}@example.com\",\"password_hash\":\"{hash}\"}}\n"));
    let file = folder.file("costly.jsonl", &rows.collect::<String>());
    let told = folder.import(&file, &[]);
    assert!(told.contains("0 accounts created in development, 0 were imported before, 8 rows refused"), "{told}");
    let errors = std::fs::read_to_string(folder.path("costly.jsonl.errors.csv")).unwrap();
    assert_eq!(errors.matches("costs more memory or time").count(), 7, "{errors}");
    assert_eq!(errors.matches("longer than 512 bytes").count(), 1, "{errors}");
    assert!(folder.exported().is_empty());
}

#[test]
fn a_dry_run_checks_everything_and_writes_nothing() {
    let folder = Folder::new();
    let file = folder
        .file("rows.csv", &format!("email,password_hash\na@example.com,{HASH}\nb@localhost,{HASH}\nc@example.com\n"));
    std::fs::remove_dir_all(folder.data()).unwrap();
    let told = folder.import(&file, &["--dry-run"]);
    assert!(told.contains("Dry run: 1 rows would become accounts unless they exist, 2 are refused."), "{told}");
    assert!(!folder.data().exists());
    assert!(!folder.path("rows.csv.import-progress.json").exists());
    let errors = std::fs::read_to_string(folder.path("rows.csv.errors.csv")).unwrap();
    assert!(errors.contains("3,\"the row has another number of fields than the header\""), "{errors}");
}

#[test]
fn hashes_of_firebase_need_the_projects_parameters() {
    let folder = Folder::new();
    let file = folder.copy("firebase.json");
    let told = folder.import(&file, &["--format", "firebase", "--dry-run"]);
    assert!(told.contains("2 are refused"), "{told}");
    let key = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
    let flags = ["--format", "firebase", "--dry-run", "--hash-key", key, "--salt-separator", "Bw==", "--rounds", "8"];
    let told = folder.refused("import", &file, &flags);
    assert!(told.contains("--mem-cost"), "{told}");
    let told = folder.import(&file, &[&flags[..], &["--mem-cost", "14"]].concat());
    assert!(told.contains("1 rows would become accounts"), "{told}");
}

#[test]
fn a_file_that_is_something_else_is_a_clear_message() {
    let folder = Folder::new();
    let told = folder.refused("import", &folder.path("missing.csv"), &[]);
    assert!(told.contains("cannot read") && told.contains("missing.csv"), "{told}");
    let file = folder.file("cut.json", r#"[{"email":"a@example.com"},{"email":"b@exam"#);
    let told = folder.refused("import", &file, &[]);
    assert!(told.contains("the file is not JSON as wardgate writes it, near line 1"), "{told}");
    // Nothing of a file is imported that cannot be read to its end.
    let file = folder.file("cut.json", r#"[{"email":"a@example.com"},{"email":"b@example.com"}]"#);
    let told = folder.import(&file, &[]);
    assert!(told.contains("2 accounts created in development, 0 were imported before"), "{told}");
}

#[test]
fn a_folder_in_use_is_a_clear_message() {
    let folder = Folder::new();
    let lock = std::fs::File::create(folder.data().join("lock")).unwrap();
    lock.try_lock().unwrap();
    let output = folder.command("import", &fixture("wardgate.csv"), &[]).output().unwrap();
    assert!(told(&output).contains("another server uses the data folder"), "{}", told(&output));
}
