//! Exports with hashes are encrypted, and come back as they were.

use std::os::unix::fs::PermissionsExt as _;

use age::secrecy::ExposeSecret as _;

use crate::harness::Folder;

#[tokio::test]
async fn sec_pw_07_an_export_with_hashes_is_encrypted_and_comes_back_as_it_was() {
    let folder = Folder::new();
    folder.import(&folder.copy("wardgate.jsonl"), &[]);
    folder.import(&folder.copy("wardgate.csv"), &[]);
    let served = folder.serve().await;
    assert_eq!(served.login("csv@example.com", "a").await, 200);
    served.stop().await;

    let identity = age::x25519::Identity::generate();
    let identity_file = folder.file("identity.txt", identity.to_string().expose_secret());
    let recipient = identity.to_public().to_string();
    let file = folder.path("users.age");
    let told = folder.run("export", &file, &["--with-hashes", "--recipient", &recipient]);
    assert!(told.contains("4 accounts written"), "{told}");
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"age-encryption.org/v1"));
    for secret in ["argon2", "pbkdf2", "example.com"] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    let other = Folder::new();
    let told = other.refused("import", &file, &[]);
    assert!(told.contains("the file is encrypted: give --identity-file or --passphrase-file"), "{told}");
    let told = other.import(&file, &["--identity-file", identity_file.to_str().unwrap()]);
    assert!(told.contains("4 accounts created"), "{told}");
    assert_eq!(other.exported(), folder.exported(), "ids, names, roles, times and all");
    let served = other.serve().await;
    // One hash of ours, one of another system, one blocked, and one account without.
    assert_eq!(served.login("csv@example.com", "a").await, 200);
    assert_eq!(served.login("django@example.com", "lètmein").await, 200);
    assert_eq!(served.login("blocked@example.com", "a").await, 401);
    assert_eq!(served.stored_hash("nopassword@example.com").await, None);
    served.stop().await;
}

#[test]
fn a_passphrase_will_do_and_a_wrong_one_will_not() {
    let folder = Folder::new();
    folder.import(&folder.copy("wardgate.csv"), &[]);
    let passphrase = folder.file("passphrase.txt", "violet teapots orbit slowly\n");
    let passphrase = ["--passphrase-file", passphrase.to_str().unwrap()];
    let file = folder.path("users.age");
    folder.run("export", &file, &[&["--with-hashes"][..], &passphrase].concat());
    let told = folder.import(&file, &[&["--dry-run"][..], &passphrase].concat());
    assert!(told.contains("Dry run: 2 rows would become accounts"), "{told}");
    let wrong = folder.file("wrong.txt", "violet teapots orbit quickly\n");
    folder.refused("import", &file, &["--dry-run", "--passphrase-file", wrong.to_str().unwrap()]);
}

#[test]
fn sec_pw_07_hashes_never_leave_in_plain_text() {
    let folder = Folder::new();
    folder.import(&folder.copy("wardgate.csv"), &[]);
    let file = folder.path("users.jsonl");
    let told = folder.refused("export", &file, &["--with-hashes"]);
    assert!(told.contains("always encrypted"), "{told}");
    assert!(!file.exists());
    let told = folder.refused("export", &file, &["--with-hashes", "--recipient", "age1nonsense"]);
    assert!(told.contains("is no age public key"), "{told}");
    folder.run("export", &file, &[]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("csv@example.com") && !text.contains("password_hash"), "{text}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let told = folder.refused("export", &file, &[]);
    assert!(told.contains("exists already"), "{told}");
}
