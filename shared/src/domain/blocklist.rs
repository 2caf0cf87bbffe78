//! The most common passwords, refused whoever the account belongs to (PW-05).
//!
//! `common-passwords.bin` is nothing but five-byte prefixes of SHA-256 digests in ascending order. They are searched
//! where they lie in the binary, so a cold start neither parses nor allocates anything for them.

use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::domain::nfc;

/// Bytes kept of each entry's digest. Forty bits let about one unlisted password in ten million be refused by chance.
pub const ENTRY_LEN: usize = 5;

/// The least number of code points an entry has: no policy accepts anything shorter.
pub const SHORTEST_ENTRY: usize = 8;

/// UTF-8 grows at most threefold under NFC and by half under lower-casing.
const FOLD_GROWTH: usize = 5;

static ENTRIES: &[[u8; ENTRY_LEN]] = include_bytes!("common-passwords.bin").as_chunks().0;

/// Whether `password` is among the most common ones, in any mixture of upper and lower case.
///
/// Passwords of fewer than [`SHORTEST_ENTRY`] code points are not listed: the minimum length refuses them already.
pub fn is_common(password: &str) -> bool {
    ENTRIES.binary_search(&entry(password)).is_ok()
}

/// What the list holds for `password`, equal for all its cases and Unicode spellings.
///
/// The list is built with this very function, so that building and looking up cannot drift apart.
pub fn entry(password: &str) -> [u8; ENTRY_LEN] {
    let digest = digest(&SHA256, fold(password).as_bytes());
    let mut entry = [0; ENTRY_LEN];
    for (kept, byte) in entry.iter_mut().zip(digest.as_ref()) {
        *kept = *byte;
    }
    entry
}

/// The form in which passwords are compared: NFC, lower-cased one code point at a time, and NFC again, because
/// lower-casing can leave a sequence that composes.
///
/// The buffer is sized up front: growing would leave copies behind that nothing wipes.
pub fn fold(text: &str) -> Zeroizing<String> {
    let mut folded = Zeroizing::new(String::with_capacity(text.len().saturating_mul(FOLD_GROWTH)));
    folded.extend(nfc::composed(nfc::composed(text.chars()).flat_map(char::to_lowercase)));
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_pw_05_list_holds_at_least_100_000_entries() {
        assert!(ENTRIES.len() >= 100_000, "{}", ENTRIES.len());
    }

    #[test]
    fn sec_pw_05_list_is_sorted_unique_and_whole() {
        let bytes = include_bytes!("common-passwords.bin");
        assert_eq!(bytes.len(), ENTRIES.len() * ENTRY_LEN);
        assert!(ENTRIES.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn sec_pw_05_well_known_passwords_are_common() {
        for password in [
            "password",
            "12345678",
            "password123",
            "iloveyou",
            "qwertyuiop",
            "1q2w3e4r5t",
            "sunshine",
            "football",
            "trustno1",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn sec_pw_05_well_known_passwords_of_15_and_more_are_common() {
        for password in [
            "123456789012345",
            "1234567890123456",
            "1qaz2wsx3edc4rfv",
            "qwertyuiopasdfghjklzxcvbnm",
            "aaaaaaaaaaaaaaaaaaaa",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    #[test]
    fn sec_pw_05_case_does_not_hide_a_common_password() {
        assert!(is_common("PassWord123"));
        assert!(is_common("QWERTYUIOP"));
    }

    #[test]
    fn sec_pw_05_long_unlisted_passphrases_are_not_common() {
        for password in [
            "quiet lantern over seven marshes",
            "Grünspecht klopft am Dienstag",
            "夜の図書館で見つけた青い地図",
            "b7Yq-2xLm-90Zt-vvKe",
            "",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn first_and_last_entries_are_found() {
        for end in [ENTRIES.first(), ENTRIES.last()].into_iter().flatten() {
            assert!(ENTRIES.binary_search(end).is_ok());
        }
    }

    #[test]
    fn fold_makes_cases_and_spellings_equal_within_its_first_buffer() {
        assert_eq!(*fold("CAFE\u{301}"), "café");
        assert_eq!(fold("CAFÉ"), fold("cafe\u{301}"));
        for text in ["\u{fb2c}".repeat(64), "\u{130}".repeat(64), "\u{1d160}".repeat(64), "Ⱥ".repeat(64)] {
            let before = text.len() * FOLD_GROWTH;
            assert!(fold(&text).len() <= before);
            assert_eq!(fold(&fold(&text)), fold(&text));
        }
    }
}
