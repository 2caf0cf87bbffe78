//! Argon2i, Argon2d and Argon2id in both versions, as PHC strings.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::{MAX_MEMORY, MAX_PARALLELISM, RefusedHash, equals, expected};

/// The most passes.
const MAX_ITERATIONS: u32 = 10;
/// The product of memory in KiB and passes below which a hash is weak.
const LEAST_WORK: u32 = 7168 * 5;

pub(super) struct Argon2Hash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    expected: Output,
}

impl Argon2Hash {
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let malformed = |_| RefusedHash::Malformed;
        let stored = PasswordHash::new(text).map_err(|_| RefusedHash::Malformed)?;
        let params = Params::try_from(&stored).map_err(|_| RefusedHash::Malformed)?;
        let too_costly = u64::from(params.m_cost()) * 1024 > MAX_MEMORY
            || params.t_cost() > MAX_ITERATIONS
            || params.p_cost() > MAX_PARALLELISM;
        if too_costly {
            return Err(RefusedHash::TooCostly);
        }
        if !params.keyid().is_empty() {
            return Err(RefusedHash::NeedsSecret);
        }
        // Before version 19 the string had no version.
        let version = stored.version.unwrap_or(Version::V0x10 as u32);
        let (Some(salt), Some(hash)) = (stored.salt, stored.hash) else { return Err(RefusedHash::Malformed) };
        Ok(Self {
            algorithm: Algorithm::try_from(stored.algorithm.as_str()).map_err(|_| RefusedHash::UnknownScheme)?,
            version: Version::try_from(version).map_err(malformed)?,
            params,
            salt,
            expected: expected(hash.as_ref())?,
        })
    }

    /// OWASP's least is 46 MiB in one pass, or less memory in more passes with about the same product.
    pub(super) fn weakness(&self) -> Option<&'static str> {
        (self.params.m_cost() * self.params.t_cost() < LEAST_WORK).then_some("argon2 with less work than m=7168, t=5")
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        let mut blocks = Zeroizing::new(vec![Block::new(); self.params.block_count()]);
        let mut computed = Zeroizing::new(vec![0; self.expected.len()]);
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        let hashed = argon2.hash_password_into_with_memory(password, &self.salt, &mut computed, blocks.as_mut_slice());
        hashed.is_ok() && equals(&computed, &self.expected)
    }
}
