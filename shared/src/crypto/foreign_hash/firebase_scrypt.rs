//! Firebase's modified scrypt: the derived key encrypts a project's signer key, and the ciphertext is the hash.

use aes::Aes256;
use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use argon2::password_hash::phc::Output;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ctr::Ctr128BE;
use zeroize::Zeroizing;

use super::encoding::{base64, number, parameters, phc};
use super::scrypt::{params, weakness};
use super::{RefusedHash, equals, expected, hmac_key};

/// What a Firebase project's console says about its hashes.
#[derive(Clone)]
pub struct FirebaseProject {
    /// `base64_signer_key`: a secret of the project.
    pub signer_key: Zeroizing<String>,
    /// `base64_salt_separator`.
    pub salt_separator: String,
    /// `rounds`: scrypt's `r`.
    pub rounds: u32,
    /// `mem_cost`: the logarithm of scrypt's N.
    pub memory_cost: u32,
}

impl FirebaseProject {
    /// The text that an account's hash and salt, as exported, are stored as:
    /// `$firebase-scrypt$r=8,m=14,sk=<signer key>,ss=<salt separator>$<salt>$<hash>`.
    pub fn stored(&self, salt: &str, hash: &str) -> Result<Zeroizing<String>, RefusedHash> {
        let plain = |text: &str| Ok(Zeroizing::new(STANDARD_NO_PAD.encode(&*base64(text)?)));
        let (key, separator) = (plain(&self.signer_key)?, plain(&self.salt_separator)?);
        Ok(Zeroizing::new(format!(
            "$firebase-scrypt$r={},m={},sk={},ss={}${}${}",
            self.rounds,
            self.memory_cost,
            *key,
            *separator,
            *plain(salt)?,
            *plain(hash)?
        )))
    }
}

pub(super) struct FirebaseScryptHash {
    params: scrypt::Params,
    /// The account's salt, followed by the project's separator.
    salt: Zeroizing<Vec<u8>>,
    signer_key: Zeroizing<Vec<u8>>,
    expected: Output,
}

impl FirebaseScryptHash {
    /// Our own spelling, which [`FirebaseProject::stored`] writes.
    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let [_, written, salt, hash] = phc(text)?;
        let [Some(r), Some(log_n), Some(key), Some(separator)] = parameters(written, ["r", "m", "sk", "ss"])? else {
            return Err(RefusedHash::Malformed);
        };
        Self::new(params(number(log_n)?, number(r)?, 1)?, key, separator, salt, hash)
    }

    /// Supabase's: `$fbscrypt$v=1,n=14,r=8,p=1,ss=<salt separator>,sk=<signer key>$<salt>$<hash>`, where `n` is the
    /// logarithm.
    pub(super) fn parse_supabase(text: &str) -> Result<Self, RefusedHash> {
        let [_, written, salt, hash] = phc(text)?;
        let [Some("1"), Some(log_n), Some(r), Some(p), separator, Some(key)] =
            parameters(written, ["v", "n", "r", "p", "ss", "sk"])?
        else {
            return Err(RefusedHash::Malformed);
        };
        let params = params(number(log_n)?, number(r)?, number(p)?)?;
        Self::new(params, key, separator.unwrap_or_default(), salt, hash)
    }

    fn new(params: ::scrypt::Params, key: &str, separator: &str, salt: &str, hash: &str) -> Result<Self, RefusedHash> {
        let (mut salt, separator) = (base64(salt)?, base64(separator)?);
        salt.extend_from_slice(&separator);
        let (signer_key, expected) = (base64(key)?, expected(&base64(hash)?)?);
        if signer_key.len() != expected.len() {
            return Err(RefusedHash::Malformed);
        }
        Ok(Self { params, salt, signer_key, expected })
    }

    pub(super) fn weakness(&self) -> Option<&'static str> {
        weakness(&self.params)
    }

    pub(super) fn matches(&self, password: &[u8]) -> bool {
        if hmac_key::is_padded(password) {
            return false;
        }
        let mut key = Zeroizing::new([0; 32]);
        if scrypt::scrypt(password, &self.salt, &self.params, &mut *key).is_err() {
            return false;
        }
        let mut encrypted = self.signer_key.clone();
        Ctr128BE::<Aes256>::new((&*key).into(), &[0; 16].into()).apply_keystream(&mut encrypted);
        equals(&encrypted, &self.expected)
    }
}
