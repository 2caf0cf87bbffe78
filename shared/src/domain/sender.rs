//! Who mails come from.

use mail_builder::headers::Header as _;
use mail_builder::headers::address::Address;
use serde::Deserialize;
use thiserror::Error;

use crate::domain::email::{Email, InvalidEmail};
use crate::domain::name::{DisplayName, InvalidName};

/// The mailbox that mails are sent from, and the name that people see beside it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sender {
    name: Option<DisplayName>,
    address: Email,
}

/// Why nothing can be sent from a string. It names no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidSender {
    /// The address is none that mails can come from.
    #[error("expected an address, or Name <address>: {0}")]
    Address(#[from] InvalidEmail),
    /// The name is none that a mail can show.
    #[error("expected an address, or Name <address>: {0}")]
    Name(#[from] InvalidName),
    /// The name would be read as what it encodes (RFC 2047), even in quotes by some.
    #[error("expected an address, or Name <address>: write the name as it is read, without =?")]
    EncodedWord,
}

impl Sender {
    /// Reads an address, or `Name <address>`, where the name may stand in quotes.
    pub fn parse(raw: &str) -> Result<Self, InvalidSender> {
        let Some((name, address)) = raw.strip_suffix('>').and_then(|raw| raw.rsplit_once('<')) else {
            return Ok(Self { name: None, address: Email::parse(raw)? });
        };
        let name = unquoted(name.trim_matches(' '));
        if name.contains("=?") {
            return Err(InvalidSender::EncodedWord);
        }
        let name = if name.is_empty() { None } else { Some(DisplayName::parse(&name)?) };
        Ok(Self { name, address: Email::parse(address)? })
    }

    /// The name, if it has one.
    pub fn name(&self) -> Option<&DisplayName> {
        self.name.as_ref()
    }

    /// The address.
    pub const fn address(&self) -> &Email {
        &self.address
    }

    /// The value of a header field.
    pub fn field(&self) -> Address<'_> {
        Address::new_address(self.name().map(|name| name.as_str()), self.address.mailbox())
    }

    /// The same as text (RFC 5322, RFC 2047): ASCII, and in one line.
    pub fn encoded(&self) -> String {
        let mut field = Vec::new();
        self.field().write_header(&mut field, "From: ".len());
        // Folded, each further line begins with the space that it was folded at.
        String::from_utf8_lossy(&field).replace("\r\n", "")
    }
}

impl TryFrom<String> for Sender {
    type Error = InvalidSender;

    fn try_from(raw: String) -> Result<Self, InvalidSender> {
        Self::parse(&raw)
    }
}

/// What a quoted string says (RFC 5322, 3.2.4); anything else says itself.
fn unquoted(name: &str) -> String {
    let Some(quoted) = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')) else { return name.to_owned() };
    let mut text = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        text.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(raw: &str) -> Option<(Option<String>, String)> {
        let sender = Sender::parse(raw).ok()?;
        Some((sender.name().map(|name| name.as_str().to_owned()), sender.address().mailbox()))
    }

    #[test]
    fn sec_en_09_a_sender_is_an_address_with_or_without_a_name() {
        let some = |name: &str, address: &str| Some((Some(name.to_owned()), address.to_owned()));
        assert_eq!(read("no-reply@example.com"), Some((None, "no-reply@example.com".to_owned())));
        assert_eq!(read("<no-reply@example.com>"), Some((None, "no-reply@example.com".to_owned())));
        assert_eq!(read("\"\" <a@example.com>"), Some((None, "a@example.com".to_owned())));
        assert_eq!(read("Blue Harbour <a@example.com>"), some("Blue Harbour", "a@example.com"));
        assert_eq!(read("\"Harbour, \\\"Blue\\\"\" <a@example.com>"), some("Harbour, \"Blue\"", "a@example.com"));
        assert_eq!(read("Bücher <Post@Bücher.example>"), some("Bücher", "Post@xn--bcher-kva.example"));
        assert_eq!(read("a <b> <c@example.com>"), some("a <b>", "c@example.com"));
    }

    #[test]
    fn sec_en_09_what_nothing_can_be_sent_from_is_no_sender() {
        for raw in [
            "",
            "nobody",
            "<>",
            "Name",
            "Name <>",
            "Name <a@localhost>",
            "ä@example.com",
            "a@example.com ",
            "Name <a@example.com> ",
            "Name < a@example.com>",
            "a@example.com, b@example.com",
            "A <a@example.com>, B <b@example.com>",
            "Name\r\nBcc: x <a@example.com>",
            "Name\n <a@example.com>",
            "\u{200b} <a@example.com>",
            "Name <a@192.0.2.7>",
            "=?utf-8?Q?Bank?= <a@example.com>",
        ] {
            assert!(Sender::parse(raw).is_err(), "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn sec_en_09_no_sender_has_a_line_break_or_a_second_address(raw in "[\\PC\\r\\n]{0,20}<?[a-z@.äß<>,\\r\\n]{0,30}>?") {
            if let Some((name, address)) = read(&raw) {
                prop_assert!(address.is_ascii() && address.matches('@').count() == 1);
                prop_assert!(!address.contains(|c: char| c.is_control() || "<>, ".contains(c)));
                prop_assert!(!name.unwrap_or_default().contains(char::is_control));
            }
        }
    }
}
