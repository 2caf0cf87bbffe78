//! Password hashes at rest: sealed with AES-256-GCM under a key that is never in the table (PW-02).

use zeroize::Zeroizing;

use crate::crypto::key_ring::{Ring, WrapKey};
use crate::crypto::wrap::{open, seal};
use crate::domain::credential::WrappedHash;
use crate::domain::id::UserId;
use crate::domain::timestamp::Timestamp;
use crate::entropy::Entropy;

pub use crate::crypto::wrap::WrapError;

/// Seals a PHC string for `user_id`. The user's id and the purpose are associated data, so a row that is copied to
/// another user does not open.
pub fn wrap(
    phc: &str,
    user_id: UserId,
    ring: &Ring<WrapKey>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<WrappedHash, WrapError> {
    wrap_under(phc, user_id, ring.current(now)?, entropy)
}

/// As [`wrap`], under a key that is named: for migrations.
pub fn wrap_under(phc: &str, user_id: UserId, key: &WrapKey, entropy: &dyn Entropy) -> Result<WrappedHash, WrapError> {
    seal(phc.as_bytes(), &associated_data(user_id), key, entropy)
}

/// Opens what [`wrap`] sealed for the same user.
pub fn unwrap(wrapped: &WrappedHash, user_id: UserId, ring: &Ring<WrapKey>) -> Result<Zeroizing<String>, WrapError> {
    let opened = open(wrapped, &associated_data(user_id), ring)?;
    let phc = std::str::from_utf8(&opened).map_err(|_| WrapError::Damaged)?;
    Ok(Zeroizing::new(phc.to_owned()))
}

fn associated_data(user_id: UserId) -> Vec<u8> {
    [b"wardgate password hash\0".as_slice(), &user_id.to_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret_bytes::SecretBytes;
    use crate::entropy::SystemEntropy;

    fn key(version: u32, sign_from: i64) -> WrapKey {
        let secret = SecretBytes::new(vec![u8::try_from(version).unwrap(); 32]);
        WrapKey { version, secret, sign_from: Timestamp::from_millis(sign_from) }
    }

    fn user(random: u128) -> UserId {
        UserId::new(Timestamp::EPOCH, random)
    }

    fn wrapped(ring: &Ring<WrapKey>, now: i64) -> WrappedHash {
        wrap("$argon2id$x", user(1), ring, Timestamp::from_millis(now), &SystemEntropy).unwrap()
    }

    #[test]
    fn sec_pw_02_a_wrapped_hash_shows_nothing_and_opens_for_its_user() {
        let ring = Ring { keys: vec![key(1, 0)] };
        let row = wrapped(&ring, 5);
        assert!(!row.sealed.windows(6).any(|window| window == b"argon2"));
        assert_eq!(unwrap(&row, user(1), &ring).unwrap().as_str(), "$argon2id$x");
        assert_ne!(row.sealed, wrapped(&ring, 5).sealed, "a nonce was used twice");
    }

    #[test]
    fn sec_pw_02_a_row_swapped_to_another_user_does_not_open() {
        let ring = Ring { keys: vec![key(1, 0)] };
        assert!(matches!(unwrap(&wrapped(&ring, 5), user(2), &ring), Err(WrapError::Damaged)));
    }

    #[test]
    fn sec_pw_02_a_changed_row_does_not_open() {
        let ring = Ring { keys: vec![key(1, 0)] };
        let row = wrapped(&ring, 5);
        for index in 0..row.sealed.len() {
            let mut changed = row.clone();
            changed.sealed[index] ^= 1;
            assert!(unwrap(&changed, user(1), &ring).is_err(), "{index}");
        }
        let short = WrappedHash { sealed: vec![1, 2], ..row };
        assert!(matches!(unwrap(&short, user(1), &ring), Err(WrapError::Damaged)));
    }

    #[test]
    fn sec_pw_02_old_rows_open_after_a_rotation_and_new_ones_use_the_new_key() {
        let ring = Ring { keys: vec![key(1, 0), key(2, 100)] };
        let (old, new) = (wrapped(&ring, 99), wrapped(&ring, 100));
        assert_eq!((old.key_version, new.key_version), (1, 2));
        assert!(unwrap(&old, user(1), &ring).is_ok() && unwrap(&new, user(1), &ring).is_ok());
        let without_old = Ring { keys: vec![key(2, 100)] };
        assert!(matches!(unwrap(&old, user(1), &without_old), Err(WrapError::UnknownVersion(1))));
    }
}
