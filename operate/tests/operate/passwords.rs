//! Hashes that verify as they did where they came from, and those that never would.

use serde_json::{Value, json};

use crate::harness::{Folder, fixture};

/// bcrypt of ninety digits, by libxcrypt.
const NINETY: &str = "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S";
const BCRYPT: &str = "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
/// `supabase/auth`, `internal/crypto/password_test.go`.
const FBSCRYPT: &str = "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==";
const FIREBASE: &str = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==";

fn lines(rows: &[Value]) -> String {
    rows.iter().flat_map(|row| [row.to_string(), "\n".to_owned()]).collect()
}

fn errors(folder: &Folder, file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder.path(&format!("{file}.errors.csv"))).unwrap_or_default();
    text.lines().skip(1).map(str::to_owned).collect()
}

/// A row of the table at the end: its number.
#[track_caller]
fn counted(told: &str, what: &str) -> u64 {
    let line = told.lines().find(|line| line.trim_start().split_once("  ").is_some_and(|(_, text)| text == what));
    assert!(line.is_some(), "no line {what:?} in {told}");
    let line = line.unwrap();
    line.trim_start().split_once("  ").unwrap().0.parse().unwrap()
}

#[tokio::test]
async fn sec_pw_07_the_beginning_of_a_long_bcrypt_password_does_not_lock_its_owner_out() {
    let folder = Folder::new();
    let pair = ["plnlrtfpijpuhqylxbgqiiyipieyxvfsavzgxbbcfusqkozwpngsyejqlmjsytrmd", "eBkXQTfuBqp'cTcar&g*"];
    let pbkdf2 = "$pbkdf2-sha1$i=1000$c2FsdHNhbHRzYWx0c2FsdA$4e3wcF1Tbf4Lm3Ye2TzNj1wFeUw";
    let rows = [
        json!({ "email": "long@example.com", "email_verified": true, "password_hash": NINETY }),
        json!({ "email": "pair@example.com", "email_verified": true, "password_hash": pbkdf2 }),
    ];
    folder.import(&folder.file("rows.jsonl", &lines(&rows)), &[]);
    let owner = "0123456789".repeat(9);
    let served = folder.serve().await;
    for password in [&owner[..72], &format!("{}junk", &owner[..72]), &owner, &owner[..72]] {
        assert_eq!(served.login("long@example.com", password).await, 200, "{}", password.len());
    }
    assert_eq!(served.login("long@example.com", &owner[..71]).await, 401);
    assert_eq!(served.stored_hash("long@example.com").await.unwrap(), NINETY, "it is as it came");
    for password in [pair[1], pair[0], pair[1]] {
        assert_eq!(served.login("pair@example.com", password).await, 200, "{password}");
    }
    served.stop().await;
}

#[tokio::test]
async fn sec_pw_07_firebase_hashes_verify_from_supabase_and_from_the_admin_sdk() {
    let folder = Folder::new();
    let supabase = lines(&[
        json!({ "id": "1", "email": "moved@example.com", "email_confirmed_at": "2024-01-01T00:00:00Z", "encrypted_password": FBSCRYPT }),
        json!({ "id": "2", "email": "costly@example.com", "encrypted_password": FBSCRYPT.replace("n=14", "n=17") }),
    ]);
    let told = folder.import(&folder.file("supabase.jsonl", &supabase), &["--format", "supabase"]);
    assert!(told.contains("1 accounts created"), "{told}");
    assert_eq!(
        errors(&folder, "supabase.jsonl"),
        ["2,\"the password hash costs more memory or time than is allowed\""]
    );
    let web_safe = FIREBASE.replace('+', "-").replace('/', "_");
    let users = json!({ "users": [
        { "uid": "1", "email": "admin@example.com", "emailVerified": true, "passwordHash": web_safe.trim_end_matches('='),
          "passwordSalt": "42xEC-ixf3L2lw", "metadata": { "creationTime": "Wed, 01 May 2024 10:20:30 GMT" } },
    ] });
    let file = folder.file("firebase.json", &users.to_string());
    let config = fixture("firebase-hash-config.txt");
    folder.import(&file, &["--format", "firebase", "--hash-config", config.to_str().unwrap()]);
    let served = folder.serve().await;
    for (email, password) in [("moved@example.com", "mytestpassword"), ("admin@example.com", "user1password")] {
        assert_eq!(served.login(email, &format!("{password}x")).await, 401, "{email}");
        for _ in 0..2 {
            assert_eq!(served.login(email, password).await, 200, "{email}");
        }
        assert!(served.stored_hash(email).await.unwrap().starts_with("$argon2id$"), "{email}");
    }
    assert_eq!(served.user("admin@example.com").await.created_at.rfc3339(), "2024-05-01T10:20:30Z");
    served.stop().await;
}

#[test]
fn sec_pw_07_no_row_with_a_password_is_imported_without_one() {
    let folder = Folder::new();
    let config = fixture("firebase-hash-config.txt");
    let salt = "42xEC+ixf3L2lw==";
    let complete = "the password hash is not complete";
    let unread = "this format does not read it";
    let cases = [
        ("firebase", json!({ "passwordHash": FIREBASE }), complete),
        ("firebase", json!({ "salt": salt }), complete),
        ("firebase", json!({ "passwordSalt": salt }), complete),
        ("firebase", json!({ "passwordHash": FIREBASE, "salt": salt, "passwordSalt": "AAAA" }), "that differ"),
        ("firebase", json!({ "passwordHash": "UkVEQUNURUQ=", "salt": salt }), "malformed"),
        ("firebase", json!({ "password_hash": FIREBASE, "password_salt": salt }), unread),
        ("firebase", json!({ "passwordHash": 7 , "salt": salt }), "malformed"),
        ("firebase", json!({ "passwordHash": ["x"], "salt": salt }), "is not text"),
        ("cognito", json!({ "password": "x" }), unread),
        ("cognito", json!({ "custom:password_hash": BCRYPT }), unread),
        (
            "cognito",
            json!({ "Attributes": [{ "Name": "email", "Value": "x@example.com" }, { "Name": "custom:hash", "Value": BCRYPT }] }),
            unread,
        ),
        ("supabase", json!({ "encrypted_password": "plain" }), "no scheme that is supported"),
        ("supabase", json!({ "password_hash": BCRYPT }), unread),
        ("supabase", json!({ "encrypted_password": BCRYPT, "salt": "x" }), unread),
        ("auth0", json!({ "password": "x" }), unread),
        ("auth0", json!({ "passwordHash": BCRYPT, "salt": "x" }), unread),
        ("auth0", json!({ "custom_password_hash": BCRYPT }), "as Auth0's schema has it"),
        ("auth0", json!({ "custom_password_hash": true }), "as Auth0's schema has it"),
        ("auth0", json!({ "custom_password_hash": {} }), "as Auth0's schema has it"),
        ("auth0", json!({ "passwordHash": BCRYPT, "password_hash": NINETY }), "that differ"),
        ("wardgate", json!({ "password": "x" }), "the member password is unknown"),
        ("wardgate", json!({ "password_hash": " " }), "no scheme that is supported"),
        ("wardgate", json!({ "password_hash": "!unusable" }), "no scheme that is supported"),
    ];
    for (index, (format, mut row, reason)) in cases.into_iter().enumerate() {
        if row.get("Attributes").is_none() {
            row["email"] = json!(format!("user{index}@example.com"));
        }
        let name = format!("case{index}.json");
        let file = folder.file(&name, &json!([row]).to_string());
        let told = folder.import(&file, &["--format", format, "--dry-run", "--hash-config", config.to_str().unwrap()]);
        let errors = errors(&folder, &name);
        assert!(errors.len() == 1 && errors[0].starts_with("1,") && errors[0].contains(reason), "{row}: {errors:?}");
        assert_eq!(counted(&told, "refused"), 1, "{told}");
    }
}

#[test]
fn sec_pw_07_what_changes_the_meaning_of_auth0s_hash_is_refused_by_name() {
    let folder = Folder::new();
    let bcrypt = |beside: Value| {
        let mut custom = json!({ "algorithm": "bcrypt", "hash": { "value": BCRYPT } });
        custom.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        custom
    };
    let scrypt = |beside: Value| {
        let hash = "nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E=";
        let mut custom = json!({ "algorithm": "scrypt", "hash": { "value": hash, "encoding": "base64" },
            "salt": { "value": "68cd79ef5debdd7b2fc5b8b7d65aabd5", "encoding": "hex" }, "cost": 65536 });
        custom.as_object_mut().unwrap().extend(beside.as_object().unwrap().clone());
        custom
    };
    let taken = [
        bcrypt(json!({})),
        bcrypt(json!({ "password": { "encoding": "utf8" } })),
        bcrypt(json!({ "password": null, "salt": null })),
        bcrypt(json!({ "hash": { "value": "24326124303624", "encoding": "hex" } })),
        scrypt(json!({})),
        scrypt(json!({ "keylen": 32, "blockSize": 8, "parallelization": 1 })),
    ];
    let refused = [
        (bcrypt(json!({ "password": { "encoding": "utf16le" } })), "utf16le"),
        (bcrypt(json!({ "password": { "encoding": "ucs2" } })), "ucs2"),
        (bcrypt(json!({ "password": { "encoding": "latin1" } })), "latin1"),
        (bcrypt(json!({ "password": { "encoding": "binary" } })), "binary"),
        (bcrypt(json!({ "password": { "encoding": "ascii" } })), "ascii"),
        (bcrypt(json!({ "password": { "encoding": "ebcdic" } })), "another encoding"),
        (bcrypt(json!({ "password": "utf8" })), "as Auth0's schema has it"),
        (bcrypt(json!({ "password": { "prefix": "x" } })), "password.prefix"),
        (bcrypt(json!({ "salt": { "value": "x", "position": "prefix" } })), "has salt"),
        (bcrypt(json!({ "pepper": "x" })), "has pepper"),
        (bcrypt(json!({ "hash": { "value": BCRYPT, "digest": "sha256" } })), "hash.digest"),
        (bcrypt(json!({ "hash": { "value": BCRYPT, "key": { "value": "x" } } })), "hash.key"),
        (bcrypt(json!({ "hash": { "value": BCRYPT, "encoding": "base32" } })), "encoded as it says"),
        (scrypt(json!({ "keylen": 64 })), "as Auth0's schema has it"),
        (scrypt(json!({ "cost": 65535 })), "as Auth0's schema has it"),
        (scrypt(json!({ "cost": 131_072 })), "more memory or time"),
        (scrypt(json!({ "salt": { "value": "x", "position": "suffix" } })), "salt.position"),
        (scrypt(json!({ "password": { "encoding": "utf16le" } })), "utf16le"),
        (json!({ "algorithm": "md5", "hash": { "value": "x" } }), "hashed with md5"),
        (json!({ "algorithm": "sha512", "hash": { "value": "x" } }), "hashed with sha512"),
        (json!({ "algorithm": "hmac", "hash": { "value": "x" } }), "hashed with hmac"),
        (json!({ "algorithm": "ldap", "hash": { "value": "x" } }), "hashed with ldap"),
        (json!({ "algorithm": "whirlpool", "hash": { "value": "x" } }), "another algorithm"),
        (json!({ "hash": { "value": BCRYPT } }), "as Auth0's schema has it"),
    ];
    let row = |index: usize, custom: &Value| json!({ "email": format!("u{index}@example.com"), "custom_password_hash": custom });
    let rows: Vec<Value> = taken
        .iter()
        .chain(refused.iter().map(|(custom, _)| custom))
        .enumerate()
        .map(|(n, custom)| row(n, custom))
        .collect();
    let file = folder.file("rows.jsonl", &lines(&rows));
    let told = folder.import(&file, &["--format", "auth0", "--dry-run"]);
    let errors = errors(&folder, "rows.jsonl");
    // The hex above is cut: decoded as it says, and then no hash.
    assert_eq!(errors[0], "4,\"the password hash is malformed\"", "{told}");
    for ((custom, reason), error) in refused.iter().zip(&errors[1..]) {
        assert!(error.contains(reason), "{custom}: {error}");
    }
    assert_eq!(errors.len(), refused.len() + 1, "{errors:?}");
}

#[test]
fn every_import_ends_with_a_table_of_what_became_of_the_rows() {
    let folder = Folder::new();
    let rows = [
        json!({ "email": "a@example.com", "name": "Ada", "password_hash": BCRYPT }),
        json!({ "email": "b@example.com", "name": "\u{200b}\u{2060}", "password_hash": NINETY }),
        json!({ "email": "c@example.com", "name": { "first": "C" } }),
        json!({ "email": "d@example.com", "name": "x".repeat(101) }),
        json!({ "email": "e@example.com", "name": " " }),
        json!({ "email": "f@example.com", "password_hash": "$2b$10$abcdefghijklmnopqrstuuj/LkVFwQAC6H0GkC0f1Bcmj82rKvDn." }),
        json!({ "email": "g@example.com", "password_hash": "$pbkdf2-sha1$i=1000$c2FsdHNhbHRzYWx0c2FsdA$4e3wcF1Tbf4Lm3Ye2TzNj1wFeUw" }),
        json!({ "email": "h@example.com", "password_hash": "plain" }),
        json!({ "email": "i@example.com", "password_hash": "plainer" }),
        json!({ "email": "nowhere" }),
    ];
    let file = folder.file("rows.jsonl", &lines(&rows));
    let summary = folder.path("summary.json");
    let flags = ["--summary", summary.to_str().unwrap()];
    for dry_run in [true, false, false] {
        let flags = if dry_run { [&flags[..], &["--dry-run"]].concat() } else { flags.to_vec() };
        let told = folder.import(&file, &flags);
        assert_eq!(counted(&told, "rows read"), 10, "{told}");
        assert_eq!(counted(&told, "– of these without password"), 3, "{told}");
        assert_eq!(counted(&told, "– of these without name"), 5, "{told}");
        assert_eq!(counted(&told, "– of these with a name that was dropped"), 2, "{told}");
        assert_eq!(counted(&told, "– of these with a weak hash: bcrypt of a cost below 10"), 2, "{told}");
        assert_eq!(counted(&told, "– of these with a weak hash: PBKDF2 of fewer than 100,000 rounds"), 1, "{told}");
        assert_eq!(counted(&told, "refused"), 3, "{told}");
        assert_eq!(counted(&told, "– the password hash is of no scheme that is supported"), 2, "{told}");
        let summary: Value = serde_json::from_slice(&std::fs::read(&summary).unwrap()).unwrap();
        assert_eq!((&summary["dry_run"], &summary["format"]), (&json!(dry_run), &json!("wardgate")));
        assert_eq!((&summary["read"], &summary["names_dropped"]), (&json!(10), &json!(2)));
        assert_eq!(summary["created"].as_u64().unwrap() + summary["already_imported"].as_u64().unwrap(), 7);
        assert_eq!(summary["refused_because"]["the password hash is of no scheme that is supported"], 2);
        assert!(!told.contains("plain"), "{told}");
    }
    assert_eq!(folder.exported().len(), 7);
}

#[test]
fn every_format_counts_accounts_without_a_password() {
    let folder = Folder::new();
    let config = fixture("firebase-hash-config.txt");
    for (format, file, expected) in [
        ("cognito", "cognito.csv", 1),
        ("cognito", "cognito.json", 3),
        ("firebase", "firebase.json", 0),
        ("supabase", "supabase.csv", 0),
        ("wardgate", "wardgate.csv", 1),
    ] {
        let told = folder
            .import(&folder.copy(file), &["--format", format, "--dry-run", "--hash-config", config.to_str().unwrap()]);
        assert_eq!(counted(&told, "– of these without password"), expected, "{file}: {told}");
    }
}
