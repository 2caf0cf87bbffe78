//! Randomness as a parameter: the one place that draws from the system.

use thiserror::Error;

/// The system has no randomness to give. Nothing secret can be made without it.
#[derive(Debug, Error)]
#[error("the system's random source failed")]
pub struct NoEntropy;

/// Draws random bytes. Tests pass a seeded one.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with random bits fit for keys.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy>;
}

impl dyn Entropy {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], NoEntropy> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// 128 random bits as a number, for ids.
    pub fn number(&self) -> Result<u128, NoEntropy> {
        self.bytes().map(u128::from_be_bytes)
    }
}

/// The operating system's random source.
#[derive(Debug, Clone, Copy)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the source that everything else is given")]
    fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
        getrandom::fill(bytes).map_err(|_| NoEntropy)
    }
}
