//! What things are: no AWS, HTTP, tokio, environment or system clock in here.

pub mod access;
pub mod address_items;
pub mod aftermath;
pub mod attempts;
pub mod audit;
pub mod brand;
pub mod browser;
pub mod credential;
pub mod deny_list;
pub mod device;
pub mod email;
pub mod event;
pub mod factors;
pub mod id;
pub mod language;
pub mod mail_order;
pub mod migration;
pub mod month;
pub mod name;
pub mod nfc;
pub mod nonce;
pub mod oauth;
pub mod one_time;
pub mod origin;
pub mod passkey;
pub mod password;
pub mod registration;
pub mod request_context;
pub mod second_factor;
pub mod sender;
pub mod session;
pub mod synthetic;
pub mod timestamp;
pub mod user;

pub mod blob;
pub mod blocklist;

/// The bytes of lower-case hex digits; zeros where there are none.
fn from_hex<const N: usize>(text: &str) -> [u8; N] {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().as_chunks::<2>().0) {
        *byte = digit(pair[0]) << 4 | digit(pair[1]);
    }
    bytes
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
pub mod writer;
