//! An app that shows codes, as people have one on their phones (RFC 6238).

use ring::hmac;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An app with a secret. It asks nobody what time it is.
pub struct PhoneApp {
    secret: Vec<u8>,
}

impl PhoneApp {
    /// With what a person has typed in, which is base32.
    pub fn typed(base32: &str) -> Self {
        let (mut secret, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
        for character in base32.bytes() {
            let value = ALPHABET.iter().position(|it| *it == character).unwrap();
            held = held << 5 | u32::try_from(value).unwrap();
            bits += 5;
            if bits >= 8 {
                bits -= 8;
                secret.push(u8::try_from(held >> bits & 0xff).unwrap());
            }
        }
        Self { secret }
    }

    /// With what its camera has read.
    pub fn scanned(uri: &str) -> Self {
        let (_, rest) = uri.split_once("secret=").unwrap();
        Self::typed(rest.split('&').next().unwrap())
    }

    /// What it shows at a time, in seconds since 1970.
    pub fn code(&self, at: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let tag = hmac::sign(&key, &at.div_euclid(30).to_be_bytes());
        let (tag, offset) = (tag.as_ref(), usize::from(tag.as_ref()[19] & 15));
        let number = u32::from_be_bytes(tag[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}
