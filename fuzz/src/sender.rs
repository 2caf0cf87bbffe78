//! Senders, which end up in header fields and in what SES is told (EN-09).

use wardgate::domain::sender::Sender;

/// The input is `mail.sender` as somebody set it.
pub(crate) fn run(data: &[u8]) {
    let Ok(sender) = Sender::parse(crate::text(data)) else { return };
    let encoded = sender.encoded();
    assert!(
        encoded.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()),
        "{encoded:?} is no header field's line"
    );
    assert!(encoded.ends_with(&format!("<{}>", sender.address().mailbox())), "{encoded:?} is from somebody else");
}
