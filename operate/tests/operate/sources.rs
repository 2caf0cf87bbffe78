//! A person from each source signs in with the old password.

use wardgate::domain::user::UserStatus;

use crate::harness::{Folder, fixture};

/// File, format, and who signs in with what.
type Source = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const SOURCES: &[Source] = &[
    ("wardgate.jsonl", "wardgate", &[("django@example.com", "lètmein")]),
    ("wardgate.csv", "wardgate", &[("csv@example.com", "a")]),
    ("auth0-hashes.ndjson", "auth0", &[("auth0@example.com", "abcdefghijklmnopqrstuvwxyz")]),
    (
        "auth0-import.json",
        "auth0",
        &[
            ("auth0-bcrypt@example.com", "a"),
            ("auth0-argon2@example.com", "secret"),
            ("auth0-pbkdf2@example.com", "hashcat"),
            ("auth0-scrypt@example.com", "password"),
        ],
    ),
    ("firebase.json", "firebase", &[("fire@example.com", "user1password")]),
    ("firebase.csv", "firebase", &[("firecsv@example.com", "user1password")]),
    (
        "supabase.csv",
        "supabase",
        &[("supa@example.com", "a"), ("unconfirmed@example.com", "abcdefghijklmnopqrstuvwxyz")],
    ),
    ("supabase.json", "supabase", &[("supajson@example.com", "abcdefghijklmnopqrstuvwxyz")]),
    ("cognito.csv", "cognito", &[]),
    ("cognito.json", "cognito", &[]),
];

fn import_all(folder: &Folder) {
    let hash_config = fixture("firebase-hash-config.txt");
    for (file, format, _) in SOURCES {
        let told =
            folder.import(&folder.copy(file), &["--format", format, "--hash-config", hash_config.to_str().unwrap()]);
        assert!(told.contains("accounts created in development"), "{file}: {told}");
    }
}

#[tokio::test]
async fn sec_pw_07_a_person_from_each_source_signs_in_with_the_old_password_and_has_an_argon2id_hash_then() {
    let folder = Folder::new();
    import_all(&folder);
    let served = folder.serve().await;
    for (file, _, people) in SOURCES {
        for (email, password) in *people {
            let before = served.stored_hash(email).await.unwrap();
            assert!(!before.starts_with("$argon2id$"), "{file}: {email}");
            assert_eq!(served.login(email, &format!("{password}x")).await, 401, "{file}: {email}");
            for _ in 0..2 {
                assert_eq!(served.login(email, password).await, 200, "{file}: {email}");
                let after = served.stored_hash(email).await.unwrap();
                assert!(after.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{file}: {email}");
            }
        }
    }
    served.stop().await;
}

#[tokio::test]
async fn what_a_row_says_of_a_person_is_kept() {
    let folder = Folder::new();
    import_all(&folder);
    let served = folder.serve().await;
    for (email, name, verified, status, created) in [
        ("django@example.com", Some("Django Reinhardt"), true, UserStatus::Active, Some("2020-02-03T04:05:06Z")),
        ("blocked@example.com", None, false, UserStatus::Disabled, None),
        ("csv@example.com", Some("Comma, Person"), true, UserStatus::Active, None),
        ("nopassword@example.com", None, false, UserStatus::Active, None),
        ("cora@example.com", Some("Cora Cognito"), true, UserStatus::Active, None),
        ("list@example.com", Some("Lea List"), true, UserStatus::Active, Some("2021-05-04T08:11:12.345Z")),
        ("off@example.com", None, false, UserStatus::Disabled, Some("2021-05-04T08:11:12.345Z")),
        ("page2@example.com", None, true, UserStatus::Active, None),
        ("auth0-bcrypt@example.com", Some("Auth Zero"), true, UserStatus::Active, None),
        ("auth0-blocked@example.com", None, true, UserStatus::Disabled, None),
        ("fire@example.com", Some("Fia Base"), true, UserStatus::Active, Some("2021-01-01T00:00:00Z")),
        ("firecsv@example.com", Some("Base, Fia"), true, UserStatus::Active, Some("2021-01-01T00:00:00Z")),
        ("supa@example.com", Some("Sue Base"), true, UserStatus::Active, Some("2022-03-04T05:06:07.123Z")),
        ("unconfirmed@example.com", None, false, UserStatus::Active, Some("2022-03-04T05:06:07Z")),
        ("banned@example.com", None, true, UserStatus::Disabled, Some("2022-03-04T05:06:07Z")),
        ("supajson@example.com", Some("Sid Json"), true, UserStatus::Active, Some("2022-03-04T05:06:07.123Z")),
    ] {
        let (user, credential) = (served.user(email).await, served.credential(email).await.unwrap());
        assert_eq!(user.name.as_ref().map(|name| name.as_str()), name, "{email}");
        assert_eq!((user.email_verified, user.status), (verified, status), "{email}");
        assert_eq!((credential.email_verified, credential.status), (verified, status), "{email}");
        if let Some(created) = created {
            assert_eq!(user.created_at.rfc3339(), created, "{email}");
        }
    }
    assert!(served.user("django@example.com").await.roles.contains("editor"));
    assert_eq!(served.user("django@example.com").await.email.display(), "Django@Example.com");
    assert_eq!(served.user("csv@example.com").await.roles.len(), 2);
    // Not the account of a person without an address, of a deleted one, or with a hash that nobody should have.
    assert!(served.credential("gone@example.com").await.is_none());
    assert!(served.credential("auth0-md5@example.com").await.is_none());
    served.stop().await;
}

#[tokio::test]
async fn people_of_cognito_and_blocked_ones_cannot_sign_in() {
    let folder = Folder::new();
    import_all(&folder);
    let served = folder.serve().await;
    assert_eq!(served.stored_hash("cora@example.com").await, None);
    for email in ["cora@example.com", "nopassword@example.com"] {
        assert_eq!(served.login(email, "").await, 401, "{email}");
    }
    for email in ["blocked@example.com", "auth0-blocked@example.com", "banned@example.com"] {
        assert_eq!(served.login(email, "a").await, 401, "{email}");
    }
    served.stop().await;
}

#[tokio::test]
async fn sec_pw_07_importing_again_changes_nothing_and_keeps_what_changed_since() {
    let folder = Folder::new();
    import_all(&folder);
    let served = folder.serve().await;
    assert_eq!(served.login("supa@example.com", "a").await, 200);
    let renewed = served.credential("supa@example.com").await;
    served.stop().await;
    let before = folder.exported();
    import_all(&folder);
    let told = folder.import(&folder.copy("supabase.csv"), &["--format", "supabase"]);
    assert!(told.contains("0 accounts created in development, 3 were imported before, 1 rows refused"), "{told}");
    assert_eq!(folder.exported(), before);
    let served = folder.serve().await;
    assert_eq!(served.credential("supa@example.com").await, renewed);
    served.stop().await;
}

#[tokio::test]
async fn sec_pw_07_an_import_never_overwrites_a_credential() {
    let folder = Folder::new();
    folder.import(&folder.copy("wardgate.csv"), &[]);
    let row = r#"{"id":"9","email":"CSV@example.com","email_verified":true,"password_hash":"$2b$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz."}"#;
    let other = folder.file("other.jsonl", row);
    let told = folder.import(&other, &[]);
    assert!(told.contains("0 accounts created in development, 0 were imported before, 1 rows refused"), "{told}");
    let errors = std::fs::read_to_string(folder.path("other.jsonl.errors.csv")).unwrap();
    assert_eq!(errors, "row,reason\n1,\"the address has an account already\"\n");
    let served = folder.serve().await;
    assert_eq!(served.login("csv@example.com", "abcdefghijklmnopqrstuvwxyz").await, 401);
    assert_eq!(served.login("csv@example.com", "a").await, 200);
    served.stop().await;
}
