//! Secrets of authenticator apps at rest (MF-05). Their keys are not those of password hashes: what asks for a code need not be
//! able to open a hash.

use crate::crypto::key_ring::{Ring, WrapKey};
use crate::crypto::totp::TotpSecret;
use crate::crypto::wrap::{WrapError, open, seal};
use crate::domain::credential::WrappedHash;
use crate::domain::id::{FactorId, UserId};
use crate::domain::timestamp::Timestamp;
use crate::entropy::Entropy;

/// Whose a secret is, and which of theirs.
pub type Owner = (UserId, FactorId);

/// Seals a secret for one factor of one user.
pub fn wrap(
    secret: &TotpSecret,
    owner: Owner,
    ring: &Ring<WrapKey>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<WrappedHash, WrapError> {
    wrap_under(secret, owner, ring.current(now)?, entropy)
}

/// As [`wrap`], under a key that is named: for migrations.
pub fn wrap_under(
    secret: &TotpSecret,
    owner: Owner,
    key: &WrapKey,
    entropy: &dyn Entropy,
) -> Result<WrappedHash, WrapError> {
    seal(secret.expose(), &associated_data(owner), key, entropy)
}

/// Opens what [`wrap`] sealed for the same factor.
pub fn unwrap(wrapped: &WrappedHash, owner: Owner, ring: &Ring<WrapKey>) -> Result<TotpSecret, WrapError> {
    let opened = open(wrapped, &associated_data(owner), ring)?;
    let secret = <[u8; 20]>::try_from(opened.as_slice()).map_err(|_| WrapError::Damaged)?;
    Ok(TotpSecret::from_bytes(secret))
}

fn associated_data((user_id, factor_id): Owner) -> Vec<u8> {
    [b"wardgate totp secret\0".as_slice(), &user_id.to_bytes(), &factor_id.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret_bytes::SecretBytes;
    use crate::entropy::SystemEntropy;

    fn ring(bits: u8) -> Ring<WrapKey> {
        let secret = SecretBytes::new(vec![bits; 32]);
        Ring { keys: vec![WrapKey { version: 1, secret, sign_from: Timestamp::EPOCH }] }
    }

    fn owner(user: u128, factor: u128) -> Owner {
        (UserId::new(Timestamp::EPOCH, user), FactorId::new(Timestamp::EPOCH, factor))
    }

    #[test]
    fn sec_mf_05_a_secret_opens_for_its_user_its_factor_and_its_key_alone() {
        let secret = TotpSecret::mint(&SystemEntropy).unwrap();
        let row = wrap(&secret, owner(1, 1), &ring(1), Timestamp::from_millis(5), &SystemEntropy).unwrap();
        assert!(!row.sealed.windows(8).any(|window| secret.expose().starts_with(window)));
        assert_eq!(unwrap(&row, owner(1, 1), &ring(1)).unwrap().expose(), secret.expose());
        for (other, keys) in [(owner(2, 1), 1), (owner(1, 2), 1), (owner(1, 1), 2)] {
            assert!(matches!(unwrap(&row, other, &ring(keys)), Err(WrapError::Damaged)), "{other:?} {keys}");
        }
        for index in 0..row.sealed.len() {
            let mut changed = row.clone();
            changed.sealed[index] ^= 1;
            assert!(unwrap(&changed, owner(1, 1), &ring(1)).is_err(), "{index}");
        }
    }

    #[test]
    fn sec_mf_05_a_password_hash_that_is_put_in_its_place_is_none() {
        let hash = crate::crypto::password_wrap::wrap(
            "twenty characters!!!",
            owner(1, 1).0,
            &ring(1),
            Timestamp::from_millis(5),
            &SystemEntropy,
        );
        assert!(unwrap(&hash.unwrap(), owner(1, 1), &ring(1)).is_err());
    }
}
