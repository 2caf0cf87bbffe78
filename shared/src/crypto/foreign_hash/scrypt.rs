//! scrypt as a PHC string and as Django writes it.

use argon2::password_hash::phc::Output;
use zeroize::Zeroizing;

use super::encoding::{base64, number, parameter, phc};
use super::{MAX_MEMORY, MAX_PARALLELISM, RefusedHash, equals, expected};

/// The most `r · p`: 128 bytes of it are kept besides the memory that is counted. Everybody uses 8 to 32.
const MAX_BLOCKS: u32 = 1024;

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

impl ScryptHash {
    /// `$scrypt$ln=16,r=8,p=1$<salt>$<hash>`.
    pub(super) fn parse_phc(text: &str) -> Result<Self, RefusedHash> {
        let [_, parameters, salt, hash] = phc(text)?;
        let value = |name| number(parameter(parameters, name)?);
        Ok(Self {
            params: params(value("ln")?, value("r")?, value("p")?)?,
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

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut computed = Zeroizing::new(vec![0; self.expected.len()]);
        let hashed = scrypt::scrypt(password, &self.salt, &self.params, &mut computed);
        hashed.is_ok() && equals(&computed, &self.expected)
    }
}
