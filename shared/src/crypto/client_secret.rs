//! Secrets of OAuth clients: 256 random bits, of which the table has the SHA-256.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ctutils::CtEq as _;
use zeroize::Zeroizing;

use crate::domain::hex;
use crate::entropy::{Entropy, NoEntropy};

/// What secret scanners know them by.
const PREFIX: &str = "wgcs_";

/// A new secret, which is shown once and then known to its client alone.
pub fn mint(entropy: &dyn Entropy) -> Result<Zeroizing<String>, NoEntropy> {
    let bytes = Zeroizing::new(entropy.bytes::<32>()?);
    Ok(Zeroizing::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(*bytes))))
}

/// What the table has of a secret: its SHA-256, in hex.
pub fn digest(secret: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, secret.as_bytes()).as_ref())
}

/// Whether a secret is one of these, by their digests. In constant time, and of each (OC-46).
pub fn is_one_of<'a>(secret: &str, digests: impl IntoIterator<Item = &'a str>) -> bool {
    let found = digest(secret);
    digests.into_iter().fold(false, |is, known| is | known.as_bytes().ct_eq(found.as_bytes()).to_bool())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_secret_needs_no_encoding_and_has_a_name_for_scanners() {
        let (one, other) = (mint(&SystemEntropy).unwrap(), mint(&SystemEntropy).unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), PREFIX.len() + 43);
        assert!(one.starts_with(PREFIX));
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)));
        assert!(is_one_of(&one, [digest(&other).as_str(), digest(&one).as_str()]));
        assert!(!is_one_of(&one, [digest(&other).as_str()]) && !is_one_of("", []));
        assert_eq!(digest("a"), "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
    }
}
