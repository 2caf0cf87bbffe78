//! PBKDF2 with SHA-1, SHA-256 and SHA-512: PHC strings, passlib's and Django's.

use std::num::NonZeroU32;

use argon2::password_hash::phc::Output;
use ring::pbkdf2::{Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512, derive};
use zeroize::Zeroizing;

use super::encoding::{base64, number, parameter, phc};
use super::{RefusedHash, equals, expected};

/// The most rounds.
const MAX_ROUNDS: u32 = 2_000_000;

pub(super) struct Pbkdf2Hash {
    algorithm: Algorithm,
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
        let algorithm = match scheme {
            "pbkdf2" | "pbkdf2-sha1" => PBKDF2_HMAC_SHA1,
            "pbkdf2-sha256" => PBKDF2_HMAC_SHA256,
            "pbkdf2-sha512" => PBKDF2_HMAC_SHA512,
            _ => return Err(RefusedHash::UnknownScheme),
        };
        let [_, parameters, salt, hash] = phc(text)?;
        let passlib = parameters.bytes().all(|byte| byte.is_ascii_digit());
        let rounds = rounds(if passlib { parameters } else { parameter(parameters, "i")? })?;
        let expected = expected(&base64(hash)?)?;
        if let Ok(length) = parameter(parameters, "l")
            && usize::try_from(number(length)?) != Ok(expected.len())
        {
            return Err(RefusedHash::Malformed);
        }
        Ok(Self { algorithm, rounds, salt: base64(salt)?, expected })
    }

    /// What follows `pbkdf2_sha256$` or `pbkdf2_sha1$` in Django: `<rounds>$<salt>$<hash>`, where the salt is text.
    pub(super) fn parse_django(scheme: &str, text: &str) -> Result<Self, RefusedHash> {
        let fields: Vec<&str> = text.split('$').collect();
        let [count, salt, hash] = fields.as_slice() else { return Err(RefusedHash::Malformed) };
        Ok(Self {
            algorithm: if scheme == "pbkdf2_sha1" { PBKDF2_HMAC_SHA1 } else { PBKDF2_HMAC_SHA256 },
            rounds: rounds(count)?,
            salt: Zeroizing::new(salt.as_bytes().to_vec()),
            expected: expected(&base64(hash)?)?,
        })
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut computed = Zeroizing::new(vec![0; self.expected.len()]);
        derive(self.algorithm, self.rounds, &self.salt, password, &mut computed);
        equals(&computed, &self.expected)
    }
}
