//! Display names, which end up in mails and logs.

use wardgate::domain::name::{DisplayName, MAX_NAME};

/// The input is a name as somebody typed it.
pub(crate) fn run(data: &[u8]) {
    let Ok(name) = DisplayName::parse(crate::text(data)) else { return };
    let text = name.as_str();
    assert!((1..=MAX_NAME).contains(&text.chars().count()), "{text:?} has the wrong length");
    assert!(!text.contains(char::is_control), "{text:?} has control characters");
    assert!(text.chars().any(|c| !c.is_whitespace()), "{text:?} shows nothing");
    assert!(DisplayName::clean(crate::text(data)).as_ref() == Some(&name), "{text:?} is not what an importer keeps");
    assert!(DisplayName::parse(text).as_ref() == Ok(&name), "{text:?} does not stand for itself");
}
