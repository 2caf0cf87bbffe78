//! What HMAC makes of a key, and with it PBKDF2 and scrypt of a password.

use ring::digest::{Algorithm, digest};

/// Whether HMAC fills the key up with what it ends in: it cannot tell `a` from `a` and a zero byte. The shorter one is
/// the password; nobody types the other.
pub(super) fn is_padded(password: &[u8]) -> bool {
    password.last() == Some(&0)
}

/// Whether no other password has this one's hashes. HMAC takes the digest of a key that is longer than the digest's
/// block, and that digest as a key is the same. So a long password has a twin if its digest can be typed, and one that
/// is as long as a digest may be a twin itself.
pub(super) fn is_of_one_password(algorithm: &'static Algorithm, password: &[u8]) -> bool {
    if password.len() > algorithm.block_len() {
        std::str::from_utf8(digest(algorithm, password).as_ref()).is_err()
    } else {
        password.len() != algorithm.output_len()
    }
}
