//! Recovery codes (MF-06): what is left when every other factor is lost.

use ring::digest::{Context, SHA256};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::crypto::base32::{CROCKFORD, as_typed, encode};
use crate::domain::hex;
use crate::domain::id::UserId;
use crate::entropy::{Entropy, NoEntropy};

/// How many an account gets at a time.
pub const CODES: usize = 10;
/// 120 bits: so many that a plain hash gives nothing away (ASVS 6.5.2).
const BYTES: usize = 15;
/// Characters of a code, and of a group of them.
const CHARACTERS: usize = 24;
const GROUP: usize = 4;

/// What is typed is no recovery code, whosever it might be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a recovery code")]
pub struct NoRecoveryCode;

/// A code, in capital letters without dashes.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// New ones, which are shown once.
    pub fn mint(entropy: &dyn Entropy) -> Result<Vec<Self>, NoEntropy> {
        let mint = |_| Ok(Self(encode(&*Zeroizing::new(entropy.bytes::<BYTES>()?), CROCKFORD)));
        (0..CODES).map(mint).collect()
    }

    /// Reads what a person typed, in either case, with or without dashes, and with look-alikes of digits.
    pub fn parse(typed: &str) -> Result<Self, NoRecoveryCode> {
        let code = as_typed(typed);
        let is_code = code.len() == CHARACTERS && code.bytes().all(|byte| CROCKFORD.contains(&byte));
        if is_code { Ok(Self(code)) } else { Err(NoRecoveryCode) }
    }

    /// As it is shown: six groups of four.
    pub fn shown(&self) -> Zeroizing<String> {
        let mut shown = Zeroizing::new(String::with_capacity(CHARACTERS + CHARACTERS / GROUP));
        for (index, character) in self.0.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                shown.push('-');
            }
            shown.push(character);
        }
        shown
    }

    /// What the table has of it: SHA-256 over its owner and the code, in hex. So a row that is copied to another user opens
    /// nothing there.
    pub fn hash(&self, owner: UserId) -> String {
        let mut context = Context::new(&SHA256);
        context.update(&owner.to_bytes());
        context.update(self.0.as_bytes());
        hex(context.finish().as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::entropy::SystemEntropy;

    /// Counts, so that codes are known.
    struct Counting(std::sync::atomic::AtomicU8);

    impl Entropy for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), NoEntropy> {
            bytes.fill_with(|| self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
            Ok(())
        }
    }

    fn owner(bits: u8) -> UserId {
        UserId::from_bytes([bits; 16])
    }

    #[test]
    fn sec_mf_06_ten_codes_have_120_bits_each() {
        let codes = RecoveryCode::mint(&SystemEntropy).unwrap();
        let hashes: BTreeSet<_> = codes.iter().map(|code| code.hash(owner(1))).collect();
        assert_eq!((codes.len(), hashes.len()), (10, 10));
        // Of 24 characters each has five bits, and each bit comes from the entropy that was drawn.
        let codes = RecoveryCode::mint(&Counting(0.into())).unwrap();
        assert_eq!(*codes[0].shown(), "000G-40R4-0M30-E209-185G-R38E");
        assert_eq!(*codes[1].shown(), "1W81-24GK-2GAH-C5RR-34D1-P70X");
    }

    #[test]
    fn sec_mf_06_of_a_code_only_a_hash_for_its_owner_is_kept() {
        let code = RecoveryCode::parse("000G-40R4-0M30-E209-185G-R38E").unwrap();
        let digest = ring::digest::digest(&SHA256, &[&[1; 16][..], b"000G40R40M30E209185GR38E"].concat());
        assert_eq!(code.hash(owner(1)), hex(digest.as_ref()));
        assert_ne!(code.hash(owner(1)), code.hash(owner(2)));
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = RecoveryCode::parse("000G-40R4-0M30-E209-185G-R38E").unwrap();
        for typed in ["oooG40R40m3oe2o9i85gr38e", " 000g 40r4 0m30 e209 L85G r38e ", "000G40R40M30E209185GR38E-"] {
            assert!(RecoveryCode::parse(typed) == Ok(code.clone()), "{typed}");
        }
        for wrong in [
            "",
            "000G-40R4-0M30-E209-185G-R38",
            "000G-40R4-0M30-E209-185G-R38EE",
            "000G-40R4-0M30-E209-185G-R38U",
            "000G-40R4-0M30-E209-185G-R38é",
        ] {
            assert!(RecoveryCode::parse(wrong) == Err(NoRecoveryCode), "{wrong}");
        }
    }
}
