//! Credentials' public keys in COSE, and the signatures that they verify (MF-12).

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};

use crate::crypto::webauthn::cbor::Value;
use crate::crypto::webauthn::errors::KeyError;

/// Bits of a modulus.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// An exponent is at least this (FIPS 186-5, A.1.1), and below what `ring` takes.
const EXPONENTS: std::ops::RangeInclusive<u64> = 65537..=(1 << 33) - 1;

/// What a credential signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// What is offered, the most wanted first (MF-12).
    pub const OFFERED: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The number that COSE has for it.
    pub const fn identifier(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

/// A public key that we can verify with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey<'a> {
    /// What it verifies.
    pub algorithm: Algorithm,
    material: Material<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material<'a> {
    /// In SEC 1's uncompressed form, or Ed25519's own.
    Point(Vec<u8>),
    Rsa {
        modulus: &'a [u8],
        exponent: &'a [u8],
    },
}

/// The signature is not this key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongSignature;

impl<'a> PublicKey<'a> {
    /// Reads a `COSE_Key`.
    pub fn parse(cose: &'a [u8]) -> Result<Self, KeyError> {
        Self::of(&Value::parse(cose)?)
    }

    /// Reads a `COSE_Key` that was read as CBOR.
    pub fn of(key: &Value<'a>) -> Result<Self, KeyError> {
        let Value::Map(entries) = key else { return Err(KeyError::NotAMap) };
        let number = |label| key.labelled(label).and_then(Value::integer);
        let bytes = |label| key.labelled(label).and_then(Value::bytes);
        let identifier = number(label::ALGORITHM);
        let offered = Algorithm::OFFERED.into_iter().find(|it| identifier == Some(it.identifier()));
        let algorithm = offered.ok_or(KeyError::Algorithm)?;
        let (key_type, parameters) = match algorithm {
            Algorithm::Es256 => (2, 5),
            Algorithm::EdDsa => (1, 4),
            Algorithm::Rs256 => (3, 4),
        };
        if number(label::KEY_TYPE) != Some(key_type) {
            return Err(KeyError::KeyType);
        }
        let is_curve = |curve| if number(label::CURVE) == Some(curve) { Ok(()) } else { Err(KeyError::Curve) };
        let coordinate = |label| bytes(label).filter(|it| it.len() == 32).ok_or(KeyError::Point);
        let material = match algorithm {
            Algorithm::Es256 => {
                is_curve(1)?;
                Material::Point([&[4], coordinate(label::X)?, coordinate(label::Y)?].concat())
            }
            Algorithm::EdDsa => {
                is_curve(6)?;
                Material::Point(coordinate(label::X)?.to_vec())
            }
            Algorithm::Rs256 => Material::Rsa {
                modulus: bytes(label::MODULUS).filter(|it| is_modulus(it)).ok_or(KeyError::Modulus)?,
                exponent: bytes(label::EXPONENT).filter(|it| is_exponent(it)).ok_or(KeyError::Exponent)?,
            },
        };
        // What is asked for is there: so this many entries are these.
        if entries.len() == parameters { Ok(Self { algorithm, material }) } else { Err(KeyError::Parameters) }
    }

    /// Whether `signature` is over `message` and this key's.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), WrongSignature> {
        let verified = match (&self.material, self.algorithm) {
            (Material::Rsa { modulus, exponent }, _) => RsaPublicKeyComponents { n: modulus, e: exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
            (Material::Point(point), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            (Material::Point(point), _) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
        };
        verified.map_err(|_| WrongSignature)
    }
}

fn is_modulus(bytes: &[u8]) -> bool {
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    let bits = (bytes.len() * 8).saturating_sub(first.leading_zeros() as usize);
    *first != 0 && last % 2 == 1 && MODULUS_BITS.contains(&bits)
}

fn is_exponent(bytes: &[u8]) -> bool {
    if bytes.len() > 8 {
        return false;
    }
    let exponent = bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    bytes.first() != Some(&0) && exponent % 2 == 1 && EXPONENTS.contains(&exponent)
}

/// Labels of RFC 9052 and RFC 9053; those of the modulus and the exponent are RFC 8230's.
mod label {
    pub(super) const KEY_TYPE: i64 = 1;
    pub(super) const ALGORITHM: i64 = 3;
    pub(super) const CURVE: i64 = -1;
    pub(super) const X: i64 = -2;
    pub(super) const Y: i64 = -3;
    pub(super) const MODULUS: i64 = -1;
    pub(super) const EXPONENT: i64 = -2;
}
