//! Email addresses and the key under which an address is unique (EN-07).

use std::borrow::Cow;
use std::fmt;

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::hex;

/// The most octets a whole address may have (RFC 5321, 4.5.3.1.3 less the angle brackets).
const MAX_ADDRESS: usize = 254;
/// The most octets a local part may have (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_PART: usize = 64;

/// An address as it was typed, together with the canonical form that identifies the mailbox.
///
/// Nothing is folded that could make two mailboxes one: no dots or plus tags are removed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    canonical: String,
    display: String,
}

/// The hash under which an address is unique in the table. It is for uniqueness only: addresses can be guessed, so it
/// hides nobody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmailKey(String);

impl EmailKey {
    /// 64 lower-case hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32 bytes that sealed tokens carry.
    pub fn to_bytes(&self) -> [u8; 32] {
        super::from_hex(&self.0)
    }

    /// From the 32 bytes that sealed tokens carry.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(hex(bytes))
    }
}

/// Why a string is not an address that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidEmail {
    /// No `@`, or nothing before it.
    #[error("an address has the form name@example.com")]
    Malformed,
    /// Over 64 octets before the `@` or 254 in all.
    #[error("the address is too long: at most 64 characters before the @ and 254 in all")]
    TooLong,
    /// A character before the `@` that is not ASCII or not allowed there without quotes.
    #[error("the part before the @ has a character that is not supported")]
    LocalPart,
    /// Not a domain name by UTS #46 with STD3 rules, or only one label.
    #[error("the part after the @ is not a domain name")]
    Domain,
}

impl Email {
    /// Reads an address (EN-07). White space around it is not forgiven: the caller said exactly this.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        // Bounds the work before any table look-up; a display form in Unicode is never longer than its ASCII form
        // by more than this.
        if raw.len() > 4 * MAX_ADDRESS {
            return Err(InvalidEmail::TooLong);
        }
        let (local, domain) = raw.rsplit_once('@').ok_or(InvalidEmail::Malformed)?;
        if local.is_empty() || domain.is_empty() {
            return Err(InvalidEmail::Malformed);
        }
        if local.len() > MAX_LOCAL_PART {
            return Err(InvalidEmail::TooLong);
        }
        if !is_dot_atom(local) {
            return Err(InvalidEmail::LocalPart);
        }
        let domain = ascii_domain(domain)?;
        let canonical = format!("{}@{domain}", local.to_ascii_lowercase());
        if canonical.len() > MAX_ADDRESS {
            return Err(InvalidEmail::TooLong);
        }
        Ok(Self { canonical, display: raw.to_owned() })
    }

    /// The canonical form: lower-case local part, ASCII domain.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The address as its owner typed it: what people are shown.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// Where mail goes: the local part as its owner typed it, since some systems tell cases apart (RFC 5321, 2.4), and
    /// the domain in ASCII, since not every system takes another one (RFC 6531).
    pub fn mailbox(&self) -> String {
        let local = self.display.rsplit_once('@').map_or("", |(local, _)| local);
        format!("{local}@{}", self.domain())
    }

    /// The part before the `@`, lower-cased.
    pub fn local_part(&self) -> &str {
        self.canonical.rsplit_once('@').map_or("", |(local, _)| local)
    }

    /// The part after the `@`, in ASCII.
    pub fn domain(&self) -> &str {
        self.canonical.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What makes the address unique.
    pub fn key(&self) -> EmailKey {
        EmailKey(hex(digest(&SHA256, self.canonical.as_bytes()).as_ref()))
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(<redacted>)")
    }
}

/// RFC 5322's dot-atom: what every mail system takes without quotes.
fn is_dot_atom(local: &str) -> bool {
    local.split('.').all(|atom| {
        !atom.is_empty()
            && atom.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte))
    })
}

fn ascii_domain(domain: &str) -> Result<String, InvalidEmail> {
    // UTS #46 silently drops these; dropped, two typed addresses would be one mailbox without looking alike.
    if domain.chars().any(is_ignored_by_uts46) {
        return Err(InvalidEmail::Domain);
    }
    let ascii = to_ascii(domain).ok_or(InvalidEmail::Domain)?;
    let last = ascii.rsplit('.').next().unwrap_or_default();
    // An all-numeric last label is an IPv4 address by any other name (RFC 3696, 2).
    let numeric = last.bytes().all(|byte| byte.is_ascii_digit());
    if ascii.contains('.') && !numeric { Ok(ascii.into_owned()) } else { Err(InvalidEmail::Domain) }
}

/// Whether UTS #46 maps this code point to nothing. Asked of the library's own tables, which grow with Unicode.
fn is_ignored_by_uts46(c: char) -> bool {
    !c.is_ascii() && to_ascii(&format!("x{c}x.example")).is_some_and(|ascii| ascii == "xx.example")
}

fn to_ascii(domain: &str) -> Option<Cow<'_, str>> {
    Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(raw: &str) -> Result<String, InvalidEmail> {
        Email::parse(raw).map(|email| email.canonical().to_owned())
    }

    #[test]
    fn sec_en_07_the_canonical_form_folds_case_and_punycode_only() {
        assert_eq!(canonical("Ada.Lovelace+tag@Example.COM").as_deref(), Ok("ada.lovelace+tag@example.com"));
        assert_eq!(canonical("ada@bücher.example").as_deref(), Ok("ada@xn--bcher-kva.example"));
        assert_ne!(canonical("a.da@example.com"), canonical("ada@example.com"));
        assert_ne!(canonical("ada+x@example.com"), canonical("ada@example.com"));
    }

    #[test]
    fn sec_en_07_the_display_form_is_kept() {
        assert_eq!(
            Email::parse("Ada@BÜCHER.example").map(|e| e.display().to_owned()).as_deref(),
            Ok("Ada@BÜCHER.example")
        );
    }

    #[test]
    fn sec_en_07_mail_goes_to_the_local_part_as_typed_at_the_domain_in_ascii() {
        for (raw, mailbox) in [
            ("Ada.Lovelace+Tag@Example.COM", "Ada.Lovelace+Tag@example.com"),
            ("Ada@Bücher.example", "Ada@xn--bcher-kva.example"),
            ("Ada@ｅｘａｍｐｌｅ.com", "Ada@example.com"),
        ] {
            let email = Email::parse(raw).unwrap();
            assert_eq!(email.mailbox(), mailbox);
            assert_eq!(Email::parse(mailbox).unwrap().key(), email.key(), "one mailbox, one key");
        }
    }

    #[test]
    fn sec_en_07_ignored_code_points_are_refused_not_dropped() {
        for c in ['\u{ad}', '\u{200b}', '\u{200d}', '\u{2060}', '\u{fe0f}', '\u{feff}', '\u{e0100}'] {
            assert_eq!(canonical(&format!("ada@exa{c}mple.com")), Err(InvalidEmail::Domain), "{c:?}");
        }
    }

    #[test]
    fn sec_en_07_no_code_point_vanishes_from_a_domain() {
        for c in '\u{80}'..=char::MAX {
            let vanished = ascii_domain(&format!("exa{c}mple.com")).is_ok_and(|domain| domain == "example.com");
            assert!(!vanished, "U+{:04X} was dropped", u32::from(c));
        }
    }

    #[test]
    fn sec_en_07_refusals_say_which_part() {
        for (raw, expected) in [
            ("", InvalidEmail::Malformed),
            ("ada", InvalidEmail::Malformed),
            ("@example.com", InvalidEmail::Malformed),
            ("ada@", InvalidEmail::Malformed),
            ("ada @example.com", InvalidEmail::LocalPart),
            (" ada@example.com", InvalidEmail::LocalPart),
            ("a..da@example.com", InvalidEmail::LocalPart),
            (".ada@example.com", InvalidEmail::LocalPart),
            ("ädä@example.com", InvalidEmail::LocalPart),
            ("ada@b@example.com", InvalidEmail::LocalPart),
            ("\"ada\"@example.com", InvalidEmail::LocalPart),
            ("ada\r\nBcc:x@example.com", InvalidEmail::LocalPart),
            ("ada@localhost", InvalidEmail::Domain),
            ("ada@example.com.", InvalidEmail::Domain),
            ("ada@.example.com", InvalidEmail::Domain),
            ("ada@exa mple.com", InvalidEmail::Domain),
            ("ada@exa_mple.com", InvalidEmail::Domain),
            ("ada@-example.com", InvalidEmail::Domain),
            ("ada@ab--cd.com", InvalidEmail::Domain),
            ("ada@127.0.0.1", InvalidEmail::Domain),
            ("ada@[127.0.0.1]", InvalidEmail::Domain),
            ("ada@example.com\n", InvalidEmail::Domain),
        ] {
            assert_eq!(canonical(raw), Err(expected), "{raw:?}");
        }
    }

    #[test]
    fn sec_en_07_lengths_are_at_most_64_and_254_octets() {
        let domain = format!("{}.{}.{}.com", "d".repeat(63), "e".repeat(63), "f".repeat(60));
        assert_eq!(canonical(&format!("{}@example.com", "a".repeat(65))), Err(InvalidEmail::TooLong));
        assert!(canonical(&format!("{}@{domain}", "a".repeat(254 - 1 - domain.len()))).is_ok());
        assert_eq!(canonical(&format!("{}@{domain}", "a".repeat(254 - domain.len()))), Err(InvalidEmail::TooLong));
    }

    #[test]
    fn debug_hides_the_address() {
        assert_eq!(format!("{:?}", Email::parse("ada@example.com")), "Ok(Email(<redacted>))");
    }

    proptest! {
        #[test]
        fn sec_en_07_parsing_never_panics_and_is_idempotent(raw in "\\PC{0,80}|[a-zA-Z.+]{1,20}@[a-zA-Z.ßüα-]{1,30}") {
            if let Ok(email) = Email::parse(&raw) {
                let again = Email::parse(email.canonical());
                prop_assert_eq!(again.map(|e| e.canonical().to_owned()), Ok(email.canonical().to_owned()));
                prop_assert!(email.canonical().is_ascii() && email.canonical().len() <= MAX_ADDRESS);
            }
        }

        #[test]
        fn sec_en_07_case_never_makes_a_second_account(local in "[a-z0-9]{1,20}", domain in "[a-z]{1,10}\\.[a-z]{2,6}") {
            let lower = Email::parse(&format!("{local}@{domain}"));
            let upper = Email::parse(&format!("{}@{}", local.to_uppercase(), domain.to_uppercase()));
            prop_assert_eq!(lower.map(|e| e.key()), upper.map(|e| e.key()));
        }
    }
}
