use proptest::prelude::*;

use super::*;

/// Published by the systems that wrote them: the hash, its password.
const VECTORS: &[(&str, &str)] = &[
    // Django, tests/auth_tests/test_hashers.py.
    ("pbkdf2_sha256$390000$seasalt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=", "lètmein"),
    ("pbkdf2_sha1$390000$seasalt2$aDapRanzW8aHTz97v2TcfHzWD+I=", "lètmein"),
    (
        "argon2$argon2i$m=8,t=1,p=1$c29tZXNhbHQ$gwQOXSNhxiOxPOA0+PY10P9QFO4NAYysnqRt1GSQLE55m+2GYDt9FEjPMHhP2Cuf0nOEXXMocVrsJAtNSsKyfg",
        "secret",
    ),
    ("argon2$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q", "secret"),
    (
        "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQwite/Pw==",
        "lètmein",
    ),
    // jBCrypt, TestBCrypt.java; the same hash under each of its names.
    ("$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.", ""),
    ("$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"),
    ("$2b$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"),
    ("$2y$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"),
    ("bcrypt$$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", "a"),
    ("$2a$08$aTsUwsyowQuzRrDqFflhgekJ8d9/7Z3GV3UcgvzQW3J5zMyrTvlz.", "abcdefghijklmnopqrstuvwxyz"),
    // passlib's documentation.
    ("$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E", "password"),
    (
        "$pbkdf2-sha512$25000$LyWE0HrP2RsjZCxlDGFMKQ$1vC5Ohk2mCS9b6akqsEfgeb4l74SF8XjH.SljXf3dMLHdlY1GK9ojcCKts6/asR4aPqBmk74nCDddU3tvSCJvw",
        "hashcat",
    ),
    // firebase/scrypt, README.md, in our own spelling.
    (
        "$firebase-scrypt$r=8,m=14,sk=jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA,ss=Bw$42xEC+ixf3L2lw$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ",
        "user1password",
    ),
    // supabase/auth, internal/crypto/password_test.go.
    (
        "$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=ou9tdYTGyYm8kuR6Dt0Bp0kDuAYoXrK16mbZO4yGwAn3oLspjnN0/c41v8xZnO1n14J3MjKj1b2g6AUCAlFwMw==$C0sHCg9ek77hsg==$zKVTMvnWVw5BBOZNUdnsalx4c4c7y/w7IS5p6Ut2+CfEFFlz37J9huyQfov4iizN8dbjvEJlM5tQaJP84+hfTw==",
        "mytestpassword",
    ),
];

/// Which of them is in Firebase's own form.
const FIREBASE: usize = VECTORS.len() - 2;

fn refusal(text: &str) -> Option<RefusedHash> {
    ForeignHash::parse(text).err()
}

#[test]
fn sec_pw_07_published_vectors_verify_and_no_other_password_does() {
    for (text, password) in VECTORS {
        let hash = ForeignHash::parse(text).unwrap_or_else(|refused| panic!("{text}: {refused}"));
        assert!(hash.matches(password.as_bytes()), "{text}");
        assert!(!hash.matches(format!("{password}z").as_bytes()), "{text}");
        assert!(ForeignHash::parse(hash.stored()).is_ok(), "{text} as it is stored");
    }
}

#[test]
fn sec_pw_07_an_account_of_firebase_is_stored_with_its_projects_parameters() {
    let project = FirebaseProject {
        signer_key: Zeroizing::new(
            "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==".to_owned(),
        ),
        salt_separator: "Bw==".to_owned(),
        rounds: 8,
        memory_cost: 14,
    };
    // As the API gives it: web-safe.
    let hash = "lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==";
    let stored = project.stored("42xEC+ixf3L2lw==", hash).unwrap();
    assert_eq!(stored.as_str(), VECTORS[FIREBASE].0);
}

#[test]
fn sec_pw_07_bcrypt_of_sha_256_sees_all_of_a_long_password() {
    let password =
        "VSK0UYV6FFQVZ0KG88DYN9WADAADZO1CTSIVDJUNZSUML6IBX7LN7ZS3R5JGB3RGZ7VI7G7DJQ9NI8BQFSRPTG6UWTTVESA5ZPUN";
    let digest = crate::domain::hex(ring::digest::digest(&ring::digest::SHA256, password.as_bytes()).as_ref());
    let text = bcrypt_of(&digest);
    let hash = ForeignHash::parse(&format!("bcrypt_sha256${text}")).unwrap();
    assert!(hash.matches(password.as_bytes()));
    assert!(!hash.matches(&password.as_bytes()[..72]));
    let plain = ForeignHash::parse(&bcrypt_of(password)).unwrap();
    assert!(plain.matches(&password.as_bytes()[..72]), "plain bcrypt looks at 72 bytes, as where it came from");
}

fn bcrypt_of(password: &str) -> String {
    use base64::Engine as _;
    let mut terminated = [password.as_bytes(), &[0]].concat();
    terminated.truncate(72);
    let hash = ::bcrypt::bcrypt(4, [7; 16], &terminated);
    format!("$2b$04${}{}", encoding::BCRYPT_BASE64.encode([7; 16]), encoding::BCRYPT_BASE64.encode(&hash[..23]))
}

#[test]
fn sec_pw_07_hashes_beyond_the_caps_are_refused() {
    let tail = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (allowed, costly) in [
        ("$argon2id$v=19$m=65536,t=10,p=4", "$argon2id$v=19$m=65537,t=1,p=1"),
        ("$argon2i$v=19$m=64,t=10,p=1", "$argon2i$v=19$m=64,t=11,p=1"),
        ("$argon2d$v=19$m=64,t=1,p=4", "$argon2d$v=19$m=64,t=1,p=5"),
        ("$scrypt$ln=16,r=8,p=4", "$scrypt$ln=16,r=9,p=1"),
        ("$scrypt$ln=15,r=16,p=1", "$scrypt$ln=17,r=8,p=1"),
        ("$scrypt$ln=14,r=8,p=4", "$scrypt$ln=14,r=8,p=5"),
        ("$scrypt$ln=14,r=8,p=1", "$scrypt$ln=64,r=8,p=1"),
        ("$scrypt$ln=1,r=256,p=4", "$scrypt$ln=1,r=262144,p=4"),
        ("$pbkdf2-sha256$i=2000000,l=32", "$pbkdf2-sha256$i=2000001,l=32"),
        ("$pbkdf2-sha1$2000000", "$pbkdf2-sha1$2000001"),
    ] {
        assert_eq!(refusal(&format!("{allowed}${tail}")), None, "{allowed}");
        assert_eq!(refusal(&format!("{costly}${tail}")), Some(RefusedHash::TooCostly), "{costly}");
    }
    let bcrypt = "m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
    assert_eq!(refusal(&format!("$2b$14${bcrypt}")), None);
    for cost in ["15", "31", "99"] {
        assert_eq!(refusal(&format!("$2b${cost}${bcrypt}")), Some(RefusedHash::TooCostly), "{cost}");
    }
    let hash = "Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafQ=";
    assert_eq!(refusal(&format!("scrypt$131072$seasalt$8$1${hash}")), Some(RefusedHash::TooCostly));
    assert_eq!(refusal(&format!("pbkdf2_sha256$2000001$seasalt${hash}")), Some(RefusedHash::TooCostly));
    let firebase = VECTORS[FIREBASE].0.replace("m=14", "m=17");
    assert_eq!(refusal(&firebase), Some(RefusedHash::TooCostly));
}

#[test]
fn sec_pw_07_supabases_firebase_hashes_are_held_to_the_same_caps() {
    let supabase = VECTORS.last().unwrap().0;
    for (other, expected) in [
        ("n=17", RefusedHash::TooCostly),
        ("n=64", RefusedHash::TooCostly),
        ("n=0", RefusedHash::Malformed),
        ("n=14,n=14", RefusedHash::Malformed),
        ("n=14,q=1", RefusedHash::Malformed),
    ] {
        assert_eq!(refusal(&supabase.replace("n=14", other)), Some(expected), "{other}");
    }
    for (part, other, expected) in [
        ("v=1,", "v=2,", RefusedHash::Malformed),
        ("v=1,", "", RefusedHash::Malformed),
        ("p=1", "p=5", RefusedHash::TooCostly),
        ("sk=ou9t", "sk=", RefusedHash::Malformed),
        ("$C0sHCg9ek77hsg==", "", RefusedHash::Malformed),
    ] {
        assert_eq!(refusal(&supabase.replace(part, other)), Some(expected), "{part} {other}");
    }
}

#[test]
fn sec_pw_07_a_parameter_that_changes_the_hashs_meaning_is_refused() {
    let tail = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (parameters, expected) in [
        ("$scrypt$ln=4,r=8,p=1,k=AAAA", RefusedHash::Malformed),
        ("$scrypt$ln=4,ln=5,r=8,p=1", RefusedHash::Malformed),
        ("$pbkdf2-sha256$i=1,l=32,h=sha512", RefusedHash::Malformed),
        ("$pbkdf2-sha256$i=1,i=2", RefusedHash::Malformed),
        ("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA", RefusedHash::NeedsSecret),
        ("$argon2id$v=19$m=64,t=1,p=1,x=AAAA", RefusedHash::Malformed),
    ] {
        assert_eq!(refusal(&format!("{parameters}${tail}")), Some(expected), "{parameters}");
    }
}

#[test]
fn weak_hashes_are_told_and_those_of_the_usual_cost_are_not() {
    let tail = "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let bcrypt = "m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe";
    let firebase = VECTORS[FIREBASE].0;
    for (weak, strong) in [
        (format!("$2b$09${bcrypt}"), format!("$2b$10${bcrypt}")),
        (format!("$pbkdf2-sha256$i=99999${tail}"), format!("$pbkdf2-sha256$i=100000${tail}")),
        (format!("$scrypt$ln=13,r=8,p=1${tail}"), format!("$scrypt$ln=14,r=8,p=1${tail}")),
        (firebase.replace("m=14", "m=13"), firebase.to_owned()),
        (format!("$argon2id$v=19$m=4096,t=3,p=1${tail}"), format!("$argon2id$v=19$m=19456,t=2,p=1${tail}")),
    ] {
        assert!(ForeignHash::parse(&weak).unwrap().weakness().is_some(), "{weak}");
        assert_eq!(ForeignHash::parse(&strong).unwrap().weakness(), None, "{strong}");
    }
}

#[test]
fn sec_pw_07_a_stored_hash_has_at_most_512_bytes() {
    let head = "pbkdf2_sha256$1$$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=";
    let filled = |length: usize| head.replace("$$", &format!("${}$", "s".repeat(length - head.len())));
    assert_eq!(refusal(&filled(512)), None);
    assert_eq!(refusal(&filled(513)), Some(RefusedHash::TooLong));
}

#[test]
fn sec_pw_07_what_is_no_hash_is_refused() {
    for (text, expected) in [
        ("", RefusedHash::UnknownScheme),
        ("hunter2", RefusedHash::UnknownScheme),
        ("md5$seasalt$3f86d0d3d465b7b458c231bf3555c0e3", RefusedHash::UnknownScheme),
        ("$1$salt$hash", RefusedHash::UnknownScheme),
        ("$2x$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", RefusedHash::UnknownScheme),
        ("$2b$6$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", RefusedHash::Malformed),
        ("$2b$03$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe", RefusedHash::Malformed),
        ("$2b$06$m0CrhHm10qJ3lXRY", RefusedHash::Malformed),
        ("$2b$06$ä0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfx", RefusedHash::Malformed),
        (
            "$scrypt$ln=16,r=8$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
            RefusedHash::Malformed,
        ),
        (
            "$scrypt$ln=0,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
            RefusedHash::Malformed,
        ),
        ("scrypt$15000$salt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafQ=", RefusedHash::Malformed),
        ("pbkdf2_sha256$0$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=", RefusedHash::Malformed),
        ("pbkdf2_sha256$-1$salt$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c=", RefusedHash::Malformed),
        ("pbkdf2_sha256$1$salt$*", RefusedHash::Malformed),
        ("$pbkdf2-sha256$i=1,l=20$AAAA$8xBlGd3jVgvJ+92hWPxi5ww0uuAuAnKgC45eudxro7c", RefusedHash::Malformed),
        ("argon2$argon2id$v=20$m=64,t=1,p=1$c2FsdHNhbHQ$YC9+jJCrQhs5R6db7LlN8Q", RefusedHash::Malformed),
        (
            "argon2$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
            RefusedHash::Malformed,
        ),
    ] {
        assert_eq!(refusal(text), Some(expected), "{text}");
    }
}

#[test]
fn sec_pw_07_an_empty_or_short_hash_opens_nothing() {
    for text in [
        "pbkdf2_sha256$1$salt$",
        "pbkdf2_sha1$1$salt$AAAAAAAAAAAAAAAAAAAA",
        "scrypt$16384$salt$8$1$",
        "$scrypt$ln=4,r=8,p=1$AAAA$",
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ",
        "$firebase-scrypt$r=8,m=14,sk=,ss=Bw$42xEC+ixf3L2lw$",
    ] {
        assert_eq!(refusal(text), Some(RefusedHash::Malformed), "{text}");
    }
}

#[test]
fn sec_pw_07_an_imported_argon2_is_never_taken_for_one_of_ours() {
    let text = "$argon2id$v=19$m=64,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(ForeignHash::parse(text).unwrap().stored(), format!("argon2{text}"));
}

#[test]
fn sec_pl_02_debug_shows_nothing() {
    assert_eq!(format!("{:?}", ForeignHash::parse(VECTORS[0].0)), "Ok(ForeignHash(<redacted>))");
}

proptest! {
    #[test]
    fn sec_pw_07_parsing_never_panics_and_what_it_takes_is_taken_again(
        vector in 0..VECTORS.len(), position in any::<prop::sample::Index>(), other in "\\PC{0,3}", cut in 0..3_usize,
    ) {
        let text = VECTORS[vector].0;
        let at = position.index(text.len());
        let changed = format!("{}{other}{}", &text[..at], &text[(at + cut).min(text.len())..]);
        if let Ok(hash) = ForeignHash::parse(&changed) {
            let again = ForeignHash::parse(hash.stored());
            prop_assert!(again.is_ok_and(|again| again.stored() == hash.stored()));
        }
    }
}
