//! What things are: no AWS, HTTP, tokio, environment or system clock in here.

pub mod access;
pub mod attempts;
pub mod audit;
pub mod credential;
pub mod email;
pub mod id;
pub mod language;
pub mod name;
pub mod origin;
pub mod password;
pub mod registration;
pub mod session;
pub mod timestamp;
pub mod user;

pub mod blocklist;

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
