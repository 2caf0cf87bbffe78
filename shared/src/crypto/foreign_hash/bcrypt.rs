//! bcrypt in modular crypt form, and Django's bcrypt of a SHA-256.

use argon2::password_hash::phc::Output;
use base64::Engine as _;
use zeroize::Zeroizing;

use super::encoding::BCRYPT_BASE64;
use super::{RefusedHash, equals, expected};
use crate::domain::hex;

/// The highest cost, as the exponent that the hash says.
const MAX_COST: u32 = 14;
const MIN_COST: u32 = 4;
/// A hash of a lower cost is weak.
const LEAST_COST: u32 = 10;
/// bcrypt looks at no more of a password, the terminating zero included.
const MAX_PASSWORD: usize = 72;

pub(super) struct BcryptHash {
    cost: u32,
    salt: [u8; 16],
    expected: Output,
    digested: bool,
}

impl BcryptHash {
    /// `$2b$12$<salt><hash>`; `2a` and `2y` are the same for every password in UTF-8 that has no flaw of the sixteen-bit
    /// days. `2x` marks hashes of such a flaw and is refused.
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let fields: Vec<&str> = text.split('$').collect();
        let ["", "2a" | "2b" | "2y", cost, rest] = fields.as_slice() else { return Err(RefusedHash::Malformed) };
        let (salt, hash) = rest.split_at_checked(22).filter(|_| rest.len() == 53).ok_or(RefusedHash::Malformed)?;
        if cost.len() != 2 || !cost.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(RefusedHash::Malformed);
        }
        let cost = cost.parse().map_err(|_| RefusedHash::Malformed)?;
        if cost > MAX_COST {
            return Err(RefusedHash::TooCostly);
        }
        let decoded = |text| BCRYPT_BASE64.decode(text).map_err(|_| RefusedHash::Malformed);
        let salt = decoded(salt)?.try_into().map_err(|_| RefusedHash::Malformed)?;
        if cost < MIN_COST {
            return Err(RefusedHash::Malformed);
        }
        Ok(Self { cost, salt, expected: expected(&decoded(hash)?)?, digested: false })
    }

    /// What follows `bcrypt_sha256$` in Django: bcrypt of the hex of the password's SHA-256.
    pub(super) fn parse_sha256(text: &str) -> Result<Self, RefusedHash> {
        Self::parse(text).map(|hash| Self { digested: true, ..hash })
    }

    /// Plain bcrypt looks at 72 bytes. A password of exactly so many may be the beginning of the owner's.
    pub(super) fn sees_all_of(&self, password: &[u8]) -> bool {
        self.digested || password.len() < MAX_PASSWORD
    }

    pub(super) fn weakness(&self) -> Option<&'static str> {
        (self.cost < LEAST_COST).then_some("bcrypt of a cost below 10")
    }

    /// No password with a zero byte matches plain bcrypt: it repeats what it gets, with a zero after it, so that it
    /// cannot tell `a` from `a`, zero, `a`.
    pub(super) fn matches(&self, password: &[u8]) -> bool {
        if !self.digested && password.contains(&0) {
            return false;
        }
        let digest =
            self.digested.then(|| Zeroizing::new(hex(ring::digest::digest(&ring::digest::SHA256, password).as_ref())));
        let password = digest.as_ref().map_or(password, |digest| digest.as_bytes());
        let mut terminated = Zeroizing::new(Vec::with_capacity(password.len() + 1));
        terminated.extend_from_slice(password);
        terminated.push(0);
        terminated.truncate(MAX_PASSWORD);
        let computed = Zeroizing::new(bcrypt::bcrypt(self.cost, self.salt, &terminated));
        // The last of the 24 bytes is never written down.
        computed.split_last().is_some_and(|(_, written)| equals(written, &self.expected))
    }
}
