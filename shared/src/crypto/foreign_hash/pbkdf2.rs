//! PBKDF2 with SHA-1, SHA-256 and SHA-512: PHC strings, passlib's and Django's.

use std::num::NonZeroU32;

use argon2::password_hash::phc::Output;
use ring::digest;
use ring::pbkdf2::{Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, derive};
use zeroize::Zeroizing;

use super::encoding::{base64, number, parameters, phc};
use super::hmac_key;
use super::{RefusedHash, equals, expected};

/// The most rounds.
const MAX_ROUNDS: u32 = 2_000_000;
/// A hash of fewer rounds is weak.
const LEAST_ROUNDS: u32 = 100_000;

const SHA1: (Algorithm, &digest::Algorithm) = (PBKDF2_HMAC_SHA1, &digest::SHA1_FOR_LEGACY_USE_ONLY);
const SHA256: (Algorithm, &digest::Algorithm) = (PBKDF2_HMAC_SHA256, &digest::SHA256);

pub(super) struct Pbkdf2Hash {
    algorithm: Algorithm,
    digest: &'static digest::Algorithm,
    rounds: NonZeroU32,
    salt: Zeroizing<Vec<u8>>,
    expected: Output,
}

fn rounds(text: &str) -> Result<NonZeroU32, RefusedHash> {
    let rounds = number(text)?;
    if rounds > MAX_ROUNDS {
        return Err(RefusedHash::TooCostly);
    }
    NonZeroU32::new(rounds).ok_or(RefusedHash::Malformed)
}

impl Pbkdf2Hash {
    /// `$pbkdf2-sha256$i=600000,l=32$<salt>$<hash>`; passlib has the rounds alone where the parameters are.
    pub(super) fn parse_phc(text: &str) -> Result<Self, RefusedHash> {
        let scheme = text.split('$').nth(1).unwrap_or_default();
        let (algorithm, digest) = match scheme {
            "pbkdf2" | "pbkdf2-sha1" => SHA1,
            "pbkdf2-sha256" => SHA256,
            "pbkdf2-sha512" => (PBKDF2_HMAC_SHA512, &digest::SHA512),
            _ => return Err(RefusedHash::UnknownScheme),
        };
        let [_, written, salt, hash] = phc(text)?;
        let passlib = written.bytes().all(|byte| byte.is_ascii_digit());
        let [count, length] = if passlib { [Some(written), None] } else { parameters(written, ["i", "l"])? };
        let rounds = rounds(count.ok_or(RefusedHash::Malformed)?)?;
        let expected = expected(&base64(hash)?)?;
        if let Some(length) = length
            && usize::try_from(number(length)?) != Ok(expected.len())
        {
            return Err(RefusedHash::Malformed);
        }
        Ok(Self { algorithm, digest, rounds, salt: base64(salt)?, expected })
    }

    /// What follows `pbkdf2_sha256$` or `pbkdf2_sha1$` in Django: `<rounds>$<salt>$<hash>`, where the salt is text.
    pub(super) fn parse_django(scheme: &str, text: &str) -> Result<Self, RefusedHash> {
        let fields: Vec<&str> = text.split('$').collect();
        let [count, salt, hash] = fields.as_slice() else { return Err(RefusedHash::Malformed) };
        let (algorithm, digest) = if scheme == "pbkdf2_sha1" { SHA1 } else { SHA256 };
        Ok(Self {
            algorithm,
            digest,
            rounds: rounds(count)?,
            salt: Zeroizing::new(salt.as_bytes().to_vec()),
            expected: expected(&base64(hash)?)?,
        })
    }

    pub(super) fn sees_all_of(&self, password: &[u8]) -> bool {
        hmac_key::is_of_one_password(self.digest, password)
    }

    pub(super) fn weakness(&self) -> Option<&'static str> {
        (self.rounds.get() < LEAST_ROUNDS).then_some("PBKDF2 of fewer than 100,000 rounds")
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        if hmac_key::is_padded(password) {
            return false;
        }
        let mut computed = Zeroizing::new(vec![0; self.expected.len()]);
        derive(self.algorithm, self.rounds, &self.salt, password, &mut computed);
        equals(&computed, &self.expected)
    }
}
