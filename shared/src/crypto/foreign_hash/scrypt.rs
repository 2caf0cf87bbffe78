//! scrypt as a PHC string and as Django writes it.

use argon2::password_hash::phc::Output;
use zeroize::Zeroizing;

use super::encoding::{base64, number, parameters, phc};
use super::hmac_key;
use super::{MAX_MEMORY, MAX_PARALLELISM, RefusedHash, equals, expected};

/// The most `r · p`: 128 bytes of it are kept besides the memory that is counted. Everybody uses 8 to 32.
const MAX_BLOCKS: u32 = 1024;

/// The product of N and r below which a hash is weak.
const LEAST_WORK: u64 = 16384 * 8;

pub(super) struct ScryptHash {
    params: scrypt::Params,
    salt: Zeroizing<Vec<u8>>,
    expected: Output,
}

/// Holds the parameters to the caps. `log_n` is the logarithm of N.
pub(super) fn params(log_n: u32, r: u32, p: u32) -> Result<scrypt::Params, RefusedHash> {
    if log_n == 0 || r == 0 || p == 0 {
        return Err(RefusedHash::Malformed);
    }
    let memory = 1u64.checked_shl(log_n).and_then(|n| n.checked_mul(128)?.checked_mul(u64::from(r)));
    let blocks = r.checked_mul(p).is_some_and(|blocks| blocks <= MAX_BLOCKS);
    if memory.is_none_or(|memory| memory > MAX_MEMORY) || p > MAX_PARALLELISM || !blocks {
        return Err(RefusedHash::TooCostly);
    }
    let log_n = u8::try_from(log_n).map_err(|_| RefusedHash::TooCostly)?;
    scrypt::Params::new(log_n, r, p).map_err(|_| RefusedHash::Malformed)
}

/// scrypt is given the password by PBKDF2 with HMAC-SHA-256, at both ends.
pub(super) fn sees_all_of(password: &[u8]) -> bool {
    hmac_key::is_of_one_password(&ring::digest::SHA256, password)
}

/// A hash that takes less than 16 MiB is weak.
pub(super) fn weakness(params: &scrypt::Params) -> Option<&'static str> {
    let weak = (1u64 << params.log_n()) * u64::from(params.r()) < LEAST_WORK;
    weak.then_some("scrypt of less than N=16384, r=8")
}

impl ScryptHash {
    /// `$scrypt$ln=16,r=8,p=1$<salt>$<hash>`.
    pub(super) fn parse_phc(text: &str) -> Result<Self, RefusedHash> {
        let [_, written, salt, hash] = phc(text)?;
        let [Some(log_n), Some(r), Some(p)] = parameters(written, ["ln", "r", "p"])? else {
            return Err(RefusedHash::Malformed);
        };
        Ok(Self {
            params: params(number(log_n)?, number(r)?, number(p)?)?,
            salt: base64(salt)?,
            expected: expected(&base64(hash)?)?,
        })
    }

    /// What follows `scrypt$` in Django: `<N>$<salt>$<r>$<p>$<hash>`, where the salt is text.
    pub(super) fn parse_django(text: &str) -> Result<Self, RefusedHash> {
        let fields: Vec<&str> = text.split('$').collect();
        let [n, salt, r, p, hash] = fields.as_slice() else { return Err(RefusedHash::Malformed) };
        let n = number(n)?;
        if !n.is_power_of_two() {
            return Err(RefusedHash::Malformed);
        }
        Ok(Self {
            params: params(n.ilog2(), number(r)?, number(p)?)?,
            salt: Zeroizing::new(salt.as_bytes().to_vec()),
            expected: expected(&base64(hash)?)?,
        })
    }

    pub(super) fn weakness(&self) -> Option<&'static str> {
        weakness(&self.params)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        if hmac_key::is_padded(password) {
            return false;
        }
        let mut computed = Zeroizing::new(vec![0; self.expected.len()]);
        let hashed = scrypt::scrypt(password, &self.salt, &self.params, &mut computed);
        hashed.is_ok() && equals(&computed, &self.expected)
    }
}
