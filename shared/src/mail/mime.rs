//! A mail as bytes (RFC 5322, RFC 2045).

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use ring::digest::{SHA256, digest};

use super::{RenderError, Rendered};
use crate::domain::email::Email;
use crate::domain::hex;
use crate::domain::sender::Sender;
use crate::domain::timestamp::Timestamp;

/// Makes the message, in plain text and HTML. `message_id` is without angle brackets. The same arguments give the same
/// bytes.
pub fn mime(
    from: &Sender,
    to: &Email,
    rendered: &Rendered,
    at: Timestamp,
    message_id: &str,
) -> Result<Vec<u8>, RenderError> {
    if !is_message_id(message_id) {
        return Err(RenderError::Header("Message-ID"));
    }
    if rendered.subject.chars().any(char::is_control) {
        return Err(RenderError::Header("Subject"));
    }
    // Given, since the library would take it from the system clock. No encoded body has a line that begins with "--="
    // and this.
    let boundary = format!("=_{}", hex(digest(&SHA256, message_id.as_bytes()).as_ref()));
    let alternatives =
        vec![MimePart::new("text/plain", rendered.text.as_str()), MimePart::new("text/html", rendered.html.as_str())];
    MessageBuilder::new()
        .message_id(message_id)
        .date(at.unix_seconds())
        .from(from.field())
        .to(to.mailbox())
        .subject(rendered.subject.as_str())
        // RFC 3834: no holiday replies to this.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .body(MimePart::new(ContentType::new("multipart/alternative").attribute("boundary", boundary), alternatives))
        .write_to_vec()
        .map_err(|_| RenderError::Header("the message"))
}

/// `id-left@id-right` of RFC 5322, 3.6.4.
fn is_message_id(id: &str) -> bool {
    let atom =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._+=".contains(&b));
    id.split_once('@').is_some_and(|(left, right)| atom(left) && atom(right))
}
