//! What only one browser has: it lets a page answer a second press of its button as it answered the first (OT-02).

use std::fmt;

use ring::hmac;
use zeroize::Zeroizing;

use crate::domain::hex;
use crate::domain::nonce::Nonce;

/// 128 random bits from a cookie that a page has set. The table holds marks made with them, never the bits.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserSecret(Zeroizing<[u8; 16]>);

impl BrowserSecret {
    /// From the bits.
    pub fn new(bits: [u8; 16]) -> Self {
        Self(Zeroizing::new(bits))
    }

    /// The bits, for the cookie.
    pub fn bits(&self) -> &[u8; 16] {
        &self.0
    }

    /// What an item that this browser uses up keeps of it: another mark for each item, so that the table does not tell
    /// which of them one browser has used.
    pub fn mark(&self, item: &Nonce) -> String {
        hex(self.derive("mark", item).as_ref())
    }

    /// The random bits of the session that this browser begins with an item: a second press finds the same ones, and
    /// nothing that is in the table does (OT-09).
    pub fn session_secret(&self, item: &Nonce) -> [u8; 16] {
        let tag = self.derive("session", item);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    fn derive(&self, what: &str, item: &Nonce) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_ref()));
        // The nonce has one length: no two inputs are the same.
        context.update(item.as_str().as_bytes());
        context.update(what.as_bytes());
        context.sign()
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sec_ot_02_marks_and_secrets_belong_to_one_browser_and_one_item() {
        let (browser, item) = (BrowserSecret::new([1; 16]), Nonce::new([2; 16]));
        assert_eq!(browser.mark(&item), browser.clone().mark(&item));
        for (other, of) in [(BrowserSecret::new([3; 16]), &item), (browser.clone(), &Nonce::new([4; 16]))] {
            assert_ne!(browser.mark(&item), other.mark(of));
            assert_ne!(browser.session_secret(&item), other.session_secret(of));
        }
        assert!(!browser.mark(&item).starts_with(&hex(&browser.session_secret(&item))));
    }

    #[test]
    fn debug_output_hides_the_bits() {
        assert_eq!(format!("{:?}", BrowserSecret::new([1; 16])), "BrowserSecret(<redacted>)");
    }
}
