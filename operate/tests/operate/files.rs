//! Files as spreadsheets and databases write them, and rows that repeat others.

use crate::harness::Folder;

const HASH: &str = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";

const ROWS: &str = "email,name\nrene@example.com,René Ünger\nada@example.com,Ada\n";

fn utf16(text: &str, mark: bool, big: bool) -> Vec<u8> {
    let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
    units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
}

fn import(bytes: &[u8], flags: &[&str]) -> (Folder, String) {
    let folder = Folder::new();
    std::fs::write(folder.path("rows.csv"), bytes).unwrap();
    let told = folder.import(&folder.path("rows.csv"), flags);
    (folder, told)
}

#[test]
fn utf_16_and_byte_order_marks_are_read_and_the_encoding_is_told() {
    for (bytes, expected) in [
        (format!("\u{feff}{ROWS}").into_bytes(), None),
        (utf16(ROWS, true, false), Some("UTF-16LE")),
        (utf16(ROWS, true, true), Some("UTF-16BE")),
        (utf16(ROWS, false, false), Some("UTF-16LE")),
        (utf16(ROWS, false, true), Some("UTF-16BE")),
    ] {
        let (folder, told) = import(&bytes, &[]);
        assert!(told.contains("2 accounts created"), "{told}");
        assert_eq!(told.contains("The file is read as"), expected.is_some(), "{told}");
        assert!(expected.is_none_or(|name| told.contains(name)), "{told}");
        assert!(folder.exported().iter().any(|line| line.contains("René Ünger")), "{expected:?}");
    }
}

#[test]
fn json_in_utf_16_is_read_too() {
    let folder = Folder::new();
    let text = r#"[{"email":"rene@example.com","name":"René"}]"#;
    std::fs::write(folder.path("rows.json"), utf16(text, true, false)).unwrap();
    folder.import(&folder.path("rows.json"), &[]);
    assert!(folder.exported()[0].contains("René"));
}

#[test]
fn latin_1_is_refused_before_anything_is_written_unless_it_is_said() {
    let folder = Folder::new();
    let (latin, _, _) = encoding_rs::WINDOWS_1252.encode(ROWS);
    let good: String =
        (0..200).flat_map(|n| ["user".to_owned(), n.to_string(), "@example.com,User\n".to_owned()]).collect();
    for text in [latin.to_vec(), [&b"email,name\n"[..], good.as_bytes(), b"rene@example.com,Ren\xe9\n"].concat()] {
        std::fs::write(folder.path("rows.csv"), &text).unwrap();
        let told = folder.refused("import", &folder.path("rows.csv"), &[]);
        for part in ["not UTF-8", "line", "Windows-1252", "iconv -f WINDOWS-1252 -t UTF-8", "--encoding windows-1252"] {
            assert!(told.contains(part), "{told}");
        }
    }
    assert!(folder.exported().is_empty());
    std::fs::write(folder.path("rows.csv"), latin).unwrap();
    let told = folder.import(&folder.path("rows.csv"), &["--encoding", "latin1"]);
    assert!(told.contains("2 accounts created") && told.contains("windows-1252"), "{told}");
    assert!(folder.exported().iter().any(|line| line.contains("René Ünger")));
    let told = folder.refused("import", &folder.path("rows.csv"), &["--encoding", "klingon"]);
    assert!(told.contains("no such encoding"), "{told}");
}

#[test]
fn semicolons_and_tabs_separate_as_well_as_commas() {
    for text in [
        "email;name\nrene@example.com;\"René; Ünger\"\n".to_owned(),
        "sep=;\r\nemail;name\r\nrene@example.com;\"René; Ünger\"\r\n".to_owned(),
        "email\tname\nrene@example.com\tRené; Ünger\n".to_owned(),
        "sep=\t\nemail\tname\nrene@example.com\tRené; Ünger\n".to_owned(),
        "\"email\",\"name\"\n\"rene@example.com\",\"René; Ünger\"\n".to_owned(),
        "email\nrene@example.com\n".to_owned(),
    ] {
        let (folder, told) = import(text.as_bytes(), &[]);
        assert!(told.contains("1 accounts created"), "{text}: {told}");
        assert_eq!(folder.exported()[0].contains("René; Ünger"), text.contains("name"), "{text}");
    }
    let folder = Folder::new();
    let told =
        folder.refused("import", &folder.file("rows.csv", "email,name,email\na@example.com,A,b@example.com\n"), &[]);
    assert!(told.contains("the header names a column twice: email"), "{told}");
}

#[test]
fn a_cut_row_of_firebases_csv_does_not_lose_its_password() {
    let folder = Folder::new();
    let row = std::fs::read_to_string(crate::harness::fixture("firebase.csv")).unwrap();
    let file = folder.file("rows.csv", &format!("{row}csv2,cut@example.com,true\n"));
    let config = crate::harness::fixture("firebase-hash-config.txt");
    let told = folder.import(&file, &["--format", "firebase", "--hash-config", config.to_str().unwrap()]);
    assert!(told.contains("1 accounts created in development, 0 were imported before, 1 rows refused"), "{told}");
}

#[tokio::test]
async fn sec_pw_07_of_rows_with_one_address_the_verified_one_wins_and_then_the_one_with_the_password() {
    let folder = Folder::new();
    let mut rows = Vec::new();
    // Far apart, so that no transaction has both.
    let bare = |email: &str| format!(r#"{{"email":"{email}"}}"#);
    let with_password = |email: &str| format!(r#"{{"email":"{email}","password_hash":"{HASH}"}}"#);
    let verified = |email: &str| format!(r#"{{"email":"{email}","email_verified":true}}"#);
    let both = |email: &str| format!(r#"{{"email":"{email}","email_verified":true,"password_hash":"{HASH}"}}"#);
    rows.extend([
        bare("one@example.com"),
        with_password("two@example.com"),
        both("three@example.com"),
        bare("Four@example.com"),
    ]);
    rows.extend((0..200).map(|n| bare(&format!("user{n}@example.com"))));
    rows.extend([
        with_password("ONE@example.com"),
        verified("two@example.com"),
        with_password("three@example.com"),
        bare("four@example.com"),
        both("one@example.com"),
    ]);
    let file = folder.file("rows.jsonl", &rows.join("\n"));
    for dry_run in [true, false, false] {
        let told = folder.import(&file, if dry_run { &["--dry-run"] } else { &[] });
        assert!(told.contains("5 are refused") || told.contains("5 rows refused"), "{told}");
        let errors = std::fs::read_to_string(folder.path("rows.jsonl.errors.csv")).unwrap();
        let refused: Vec<&str> = errors.lines().skip(1).collect();
        let expected = [(1, 209), (2, 206), (205, 209), (207, 3), (208, 4)]
            .map(|(row, other)| format!("{row},\"the address or the id stands in row {other}, which is imported\""));
        assert_eq!(refused, expected);
    }
    let served = folder.serve().await;
    for (email, verified, password) in [
        ("one@example.com", true, true),
        ("two@example.com", true, false),
        ("three@example.com", true, true),
        ("four@example.com", false, false),
    ] {
        let credential = served.credential(email).await.unwrap();
        assert_eq!((credential.email_verified, credential.password.is_some()), (verified, password), "{email}");
    }
    assert_eq!(served.user("four@example.com").await.email.display(), "Four@example.com", "the first of equal ones");
    served.stop().await;
}

#[test]
fn two_rows_with_one_id_of_ours_are_one_account_and_the_other_is_told() {
    let folder = Folder::new();
    let id = "usr_01j9z3k4m5n6p7q8r9s0t1v2w3";
    let rows = [
        format!(r#"{{"id":"{id}","email":"one@example.com"}}"#),
        format!(r#"{{"id":"{id}","email":"two@example.com","email_verified":true}}"#),
    ];
    let told = folder.import(&folder.file("rows.jsonl", &rows.join("\n")), &[]);
    assert!(told.contains("1 accounts created in development, 0 were imported before, 1 rows refused"), "{told}");
    assert!(folder.exported()[0].contains("two@example.com"));
}
