//! Typed ids: one value has one spelling, and every value has one.

use std::fmt::Display;

use wardgate::domain::id::{AuditId, InvalidId, RegistrationId, RequestId, SessionId, TokenId, UserId};
use wardgate::domain::timestamp::Timestamp;

/// The input is read as an id of each kind, and its first bytes as the bits of one.
pub(crate) fn run(data: &[u8]) {
    let text = crate::text(data);
    let kinds = [
        is_spelling(text, UserId::parse),
        is_spelling(text, SessionId::parse),
        is_spelling(text, RegistrationId::parse),
        is_spelling(text, AuditId::parse),
        is_spelling(text, TokenId::parse),
        is_spelling(text, RequestId::parse),
    ];
    assert!(kinds.into_iter().filter(|is_kind| *is_kind).count() <= 1, "{text} is of two kinds");

    if let Some(bytes) = data.first_chunk::<16>() {
        let id = SessionId::from_bytes(*bytes);
        assert_eq!(id.to_bytes(), *bytes);
        assert_eq!(SessionId::parse(&id.to_string()), Ok(id));
        let json = serde_json::to_string(&id).expect("an id is a string");
        assert_eq!(serde_json::from_str::<SessionId>(&json).ok(), Some(id));
    }
    if let Some((millis, rest)) = data.split_first_chunk::<8>() {
        let random = rest.first_chunk::<16>().copied().unwrap_or_default();
        let id = UserId::new(Timestamp::from_millis(i64::from_be_bytes(*millis)), u128::from_be_bytes(random));
        assert_eq!(UserId::parse(&id.to_string()), Ok(id));
    }
}

fn is_spelling<Id: Display>(text: &str, parse: fn(&str) -> Result<Id, InvalidId>) -> bool {
    let Ok(id) = parse(text) else { return false };
    assert_eq!(id.to_string(), text, "a second spelling of one id");
    true
}
