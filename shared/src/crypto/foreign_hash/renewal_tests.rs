//! A foreign hash that is replaced opens to the same passwords as before (PW-07).

use std::num::NonZeroU32;

use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ctr::Ctr128BE;
use proptest::prelude::*;
use ring::pbkdf2::{PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, derive};
use unicode_normalization::UnicodeNormalization as _;

use super::encoding::BCRYPT_BASE64;
use crate::crypto::password_hasher::{HashingPolicy, PasswordHasher, Verification};
use crate::domain::password::Password;

const SALT: [u8; 16] = [7; 16];

fn base64(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(bytes)
}

fn bcrypt(password: &[u8]) -> String {
    let mut terminated = [password, &[0]].concat();
    terminated.truncate(72);
    let hash = ::bcrypt::bcrypt(4, SALT, &terminated);
    format!("04${}{}", BCRYPT_BASE64.encode(SALT), BCRYPT_BASE64.encode(&hash[..23]))
}

fn pbkdf2(algorithm: ring::pbkdf2::Algorithm, password: &[u8], length: usize) -> String {
    let mut hash = vec![0; length];
    derive(algorithm, NonZeroU32::MIN, &SALT, password, &mut hash);
    format!("{}${}", base64(&SALT), base64(&hash))
}

fn scrypt(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    ::scrypt::scrypt(password, &SALT, &::scrypt::Params::new(1, 1, 1).unwrap(), &mut key).unwrap();
    key
}

fn firebase(password: &[u8]) -> (String, String) {
    let mut hash = [5; 64];
    Ctr128BE::<Aes256>::new((&scrypt(password)).into(), &[0; 16].into()).apply_keystream(&mut hash);
    (base64(&[5; 64]), format!("{}${}", base64(&SALT), base64(&hash)))
}

fn argon2(algorithm: ::argon2::Algorithm, password: &[u8]) -> String {
    let params = ::argon2::Params::new(8, 1, 1, None).unwrap();
    let mut hash = [0; 32];
    let argon2 = ::argon2::Argon2::new(algorithm, ::argon2::Version::V0x13, params);
    argon2.hash_password_into(password, &SALT, &mut hash).unwrap();
    format!("${algorithm}$v=19$m=8,t=1,p=1${}${}", base64(&SALT), base64(&hash))
}

/// Each scheme: its name, and how it hashes.
type Scheme = (&'static str, fn(&[u8]) -> String);

const SCHEMES: &[Scheme] = &[
    ("bcrypt 2a", |password| format!("$2a${}", bcrypt(password))),
    ("bcrypt 2b", |password| format!("$2b${}", bcrypt(password))),
    ("bcrypt 2y", |password| format!("$2y${}", bcrypt(password))),
    ("Django's bcrypt", |password| format!("bcrypt$$2b${}", bcrypt(password))),
    ("Django's bcrypt of a SHA-256", |password| {
        let digest = crate::domain::hex(ring::digest::digest(&ring::digest::SHA256, password).as_ref());
        format!("bcrypt_sha256$$2b${}", bcrypt(digest.as_bytes()))
    }),
    ("PBKDF2-SHA-1", |password| format!("$pbkdf2-sha1$i=1${}", pbkdf2(PBKDF2_HMAC_SHA1, password, 20))),
    ("PBKDF2-SHA-256", |password| format!("$pbkdf2-sha256$1${}", pbkdf2(PBKDF2_HMAC_SHA256, password, 32))),
    ("PBKDF2-SHA-512", |password| format!("$pbkdf2-sha512$i=1,l=64${}", pbkdf2(PBKDF2_HMAC_SHA512, password, 64))),
    ("scrypt", |password| format!("$scrypt$ln=1,r=1,p=1${}${}", base64(&SALT), base64(&scrypt(password)))),
    ("Firebase's scrypt", |password| {
        let (key, rest) = firebase(password);
        format!("$firebase-scrypt$r=1,m=1,sk={key},ss=${rest}")
    }),
    ("Firebase's scrypt by Supabase", |password| {
        let (key, rest) = firebase(password);
        format!("$fbscrypt$v=1,n=1,r=1,p=1,ss=,sk={key}${rest}")
    }),
    ("argon2id", |password| format!("argon2{}", argon2(::argon2::Algorithm::Argon2id, password))),
    ("argon2i", |password| format!("argon2{}", argon2(::argon2::Algorithm::Argon2i, password))),
];

/// What may be typed in the place of a password.
fn typed_instead(password: &str) -> Vec<String> {
    let mut typed: Vec<String> = vec![
        password.to_owned(),
        password.nfc().collect(),
        password.nfd().collect(),
        password.trim().to_owned(),
        format!("{password} "),
        format!("{password}x"),
        format!("{password}\0"),
        format!("{password}\0\0"),
        format!("{password}\0{password}"),
        format!("{password}{password}"),
        password.to_lowercase(),
        password.chars().skip(1).collect(),
    ];
    for bytes in [71, 72, 73, 64, 128] {
        let mut cut = String::new();
        for c in password.chars() {
            if cut.len() + c.len_utf8() > bytes {
                break;
            }
            cut.push(c);
        }
        typed.push(format!("{cut}junk"));
        typed.push(cut);
    }
    for algorithm in [&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &ring::digest::SHA256, &ring::digest::SHA512] {
        let digest = ring::digest::digest(algorithm, password.as_bytes());
        typed.extend(std::str::from_utf8(digest.as_ref()).ok().map(str::to_owned));
    }
    typed.sort();
    typed.dedup();
    typed
}

async fn opened_by(hasher: &PasswordHasher, stored: &str, typed: &[String]) -> Vec<Verification> {
    let mut verified = Vec::new();
    for text in typed {
        verified.push(match Password::attempt(text) {
            Some(password) => hasher.verify(&password, Some(stored)).await.unwrap(),
            None => Verification::Mismatch,
        });
    }
    verified
}

fn opens(verified: &[Verification]) -> Vec<bool> {
    verified.iter().map(|verification| *verification != Verification::Mismatch).collect()
}

/// Whatever signs in first, the account opens to the same passwords afterwards. Answers how many of what was typed
/// renewed the hash.
fn assert_the_same_passwords(stored: &str, typed: &[String]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let policy = HashingPolicy { memory_kib: 8, iterations: 1, parallelism: 1, queue: 1, max_wait_ms: 1000 };
        let hasher = PasswordHasher::new(&policy, 1).unwrap();
        let before = opened_by(&hasher, stored, typed).await;
        let mut renewed = 0;
        for (first, _) in
            typed.iter().zip(&before).filter(|(_, verification)| **verification == Verification::MatchOutdated)
        {
            let ours = hasher.hash(&Password::attempt(first).unwrap(), SALT).await.unwrap();
            let after = opened_by(&hasher, &ours, typed).await;
            assert_eq!(opens(&after), opens(&before), "{stored}: {first:?} signed in first, of {typed:?}");
            renewed += 1;
        }
        renewed
    })
}

fn passwords() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-z ]{1,40}",
        "[a-z]{20}|[a-z]{32}|[a-z]{64}",
        "[a-z]{68,76}",
        "[a-zé]{60,140}",
        "(e\u{301}|\u{e9}|\u{1e0b}\u{323}|a){1,30}",
        "[a\u{0}]{1,8}",
        "[ \ta-c]{1,12}",
    ]
}

proptest! {
    #[test]
    fn sec_pw_07_no_sign_in_changes_which_passwords_open_an_imported_account(
        scheme in 0..SCHEMES.len(), password in passwords(),
    ) {
        let (name, hash) = SCHEMES[scheme];
        let stored = hash(password.as_bytes());
        let typed = typed_instead(&password);
        let renewed = assert_the_same_passwords(&stored, &typed);
        let usual = password.len() < 64 && ![20, 32].contains(&password.len()) && password.nfc().eq(password.chars());
        if usual && !password.contains('\0') {
            prop_assert!(renewed > 0, "{name}: {password:?} does not renew its hash");
        }
    }
}

#[test]
fn sec_pw_07_the_first_72_bytes_of_a_bcrypt_password_do_not_lock_its_owner_out() {
    let owner = "0123456789".repeat(9);
    for (name, hash) in &SCHEMES[..4] {
        let stored = hash(owner.as_bytes());
        let typed = [&owner[..72], &format!("{}junk", &owner[..72]), &owner, &owner[..71]].map(str::to_owned);
        assert_eq!(assert_the_same_passwords(&stored, &typed), 0, "{name}");
        // Of exactly so many bytes: whether the owner's goes on, nobody knows.
        assert_eq!(assert_the_same_passwords(&hash(&owner.as_bytes()[..72]), &typed), 0, "{name}");
        assert_eq!(assert_the_same_passwords(&hash(&owner.as_bytes()[..71]), &typed), 1, "{name}");
    }
}

#[test]
fn sec_pw_07_a_password_and_its_digest_are_one_key_to_hmac_and_neither_locks_the_other_out() {
    // Published as two passwords of one PBKDF2-HMAC-SHA-1 hash: the second is the SHA-1 of the first.
    let pair = ["plnlrtfpijpuhqylxbgqiiyipieyxvfsavzgxbbcfusqkozwpngsyejqlmjsytrmd", "eBkXQTfuBqp'cTcar&g*"];
    for owner in pair {
        let stored = format!("$pbkdf2-sha1$i=1${}", pbkdf2(PBKDF2_HMAC_SHA1, owner.as_bytes(), 20));
        let hash = super::ForeignHash::parse(&stored).unwrap();
        assert!(pair.iter().all(|password| hash.matches(password.as_bytes())), "both open it where it came from");
        assert_eq!(assert_the_same_passwords(&stored, &pair.map(str::to_owned)), 0);
    }
}

#[test]
fn sec_pw_07_a_zero_byte_makes_no_second_password() {
    for (name, hash) in SCHEMES {
        let stored = hash(b"a");
        let typed = ["a", "a\0", "a\0\0", "a\0a", "a\0a\0a"].map(str::to_owned);
        assert_eq!(assert_the_same_passwords(&stored, &typed), 1, "{name}");
    }
}
