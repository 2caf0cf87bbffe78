//! Password hashes that other systems made (PW-07). They verify as they are, within caps, until their owner signs in
//! for the first time and the hash is replaced by one of ours (PW-01).

mod argon2;
mod bcrypt;
mod encoding;
mod firebase_scrypt;
mod hmac_key;
mod pbkdf2;
mod scrypt;

use ::argon2::password_hash::phc::Output;
use thiserror::Error;
use zeroize::Zeroizing;

pub use firebase_scrypt::FirebaseProject;

/// The longest text of a stored hash, ours or another's.
pub const MAX_STORED: usize = 512;
/// The most memory that a hash may ask for, in bytes.
const MAX_MEMORY: u64 = 64 * 1024 * 1024;
/// The most lanes of a hash.
const MAX_PARALLELISM: u32 = 4;

/// Why a hash is not taken. The text of the hash is never in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RefusedHash {
    /// Over [`MAX_STORED`] bytes.
    #[error("the password hash is longer than {MAX_STORED} bytes")]
    TooLong,
    /// None of the schemes that we verify.
    #[error("the password hash is of no scheme that is supported")]
    UnknownScheme,
    /// It says which scheme it is, and is not what that scheme writes.
    #[error("the password hash is malformed")]
    Malformed,
    /// Its system mixed in a key that is kept elsewhere.
    #[error("the password hash needs a secret that is not in it")]
    NeedsSecret,
    /// Verifying it would take more time or memory than one sign-in may cost.
    #[error("the password hash costs more memory or time than is allowed")]
    TooCostly,
}

/// A hash that another system made: argon2, bcrypt, scrypt, Firebase's scrypt or PBKDF2, as a PHC string, in modular
/// crypt form, or as Django writes it.
pub struct ForeignHash {
    text: Zeroizing<String>,
    scheme: Scheme,
}

enum Scheme {
    Argon2(argon2::Argon2Hash),
    Bcrypt(bcrypt::BcryptHash),
    Scrypt(scrypt::ScryptHash),
    FirebaseScrypt(firebase_scrypt::FirebaseScryptHash),
    Pbkdf2(pbkdf2::Pbkdf2Hash),
}

impl ForeignHash {
    /// Reads a hash and holds it to the caps.
    pub fn parse(text: &str) -> Result<Self, RefusedHash> {
        if text.len() > MAX_STORED {
            return Err(RefusedHash::TooLong);
        }
        let mut stored = Zeroizing::new(text.to_owned());
        let (before, after) = text.split_once('$').ok_or(RefusedHash::UnknownScheme)?;
        let scheme = match before {
            "" => {
                let scheme = after.split_once('$').map_or(after, |(scheme, _)| scheme);
                match scheme {
                    "argon2id" | "argon2i" | "argon2d" => {
                        // Hashes of our own begin with `$argon2id$` and are of the password in NFC alone. Django's
                        // spelling sets these apart.
                        stored = Zeroizing::new(format!("argon2{text}"));
                        Scheme::Argon2(argon2::Argon2Hash::parse(text)?)
                    }
                    "2a" | "2b" | "2y" => Scheme::Bcrypt(bcrypt::BcryptHash::parse(text)?),
                    "scrypt" => Scheme::Scrypt(scrypt::ScryptHash::parse_phc(text)?),
                    "fbscrypt" => Scheme::FirebaseScrypt(firebase_scrypt::FirebaseScryptHash::parse_supabase(text)?),
                    "firebase-scrypt" => Scheme::FirebaseScrypt(firebase_scrypt::FirebaseScryptHash::parse(text)?),
                    _ => Scheme::Pbkdf2(pbkdf2::Pbkdf2Hash::parse_phc(text)?),
                }
            }
            "argon2" => Scheme::Argon2(argon2::Argon2Hash::parse(text.trim_start_matches("argon2"))?),
            "bcrypt" => Scheme::Bcrypt(bcrypt::BcryptHash::parse(after)?),
            "bcrypt_sha256" => Scheme::Bcrypt(bcrypt::BcryptHash::parse_sha256(after)?),
            "scrypt" => Scheme::Scrypt(scrypt::ScryptHash::parse_django(after)?),
            "pbkdf2_sha256" | "pbkdf2_sha1" => Scheme::Pbkdf2(pbkdf2::Pbkdf2Hash::parse_django(before, after)?),
            _ => return Err(RefusedHash::UnknownScheme),
        };
        if stored.len() > MAX_STORED {
            return Err(RefusedHash::TooLong);
        }
        Ok(Self { text: stored, scheme })
    }

    /// The text to be stored.
    pub fn stored(&self) -> &str {
        &self.text
    }

    /// Whether this is the password's hash. Takes as long as the hash says.
    pub fn matches(&self, password: &[u8]) -> bool {
        match &self.scheme {
            Scheme::Argon2(hash) => hash.matches(password),
            Scheme::Bcrypt(hash) => hash.matches(password),
            Scheme::Scrypt(hash) => hash.matches(password),
            Scheme::FirebaseScrypt(hash) => hash.matches(password),
            Scheme::Pbkdf2(hash) => hash.matches(password),
        }
    }
}

impl ForeignHash {
    /// Whether it is the hash of this password, which matches, and of no other one: then a hash of ours opens to the same
    /// passwords, and may take its place (PW-07). Where it is not, nobody knows which of them the owner's is.
    pub fn sees_all_of(&self, password: &[u8]) -> bool {
        match &self.scheme {
            // The length is hashed, too.
            Scheme::Argon2(_) => true,
            Scheme::Bcrypt(hash) => hash.sees_all_of(password),
            Scheme::Scrypt(_) | Scheme::FirebaseScrypt(_) => scrypt::sees_all_of(password),
            Scheme::Pbkdf2(hash) => hash.sees_all_of(password),
        }
    }

    /// What makes it cheaper to guess than it should be, if anything does. Such hashes are taken; whoever imports them is
    /// told.
    pub fn weakness(&self) -> Option<&'static str> {
        match &self.scheme {
            Scheme::Argon2(hash) => hash.weakness(),
            Scheme::Bcrypt(hash) => hash.weakness(),
            Scheme::Scrypt(hash) => hash.weakness(),
            Scheme::FirebaseScrypt(hash) => hash.weakness(),
            Scheme::Pbkdf2(hash) => hash.weakness(),
        }
    }
}

impl std::fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForeignHash(<redacted>)")
    }
}

/// What a hash is expected to be: 16 to 64 bytes, compared in constant time. The shortest that any of the schemes
/// writes by itself is 16; an empty one would let everybody in.
fn expected(bytes: &[u8]) -> Result<Output, RefusedHash> {
    if bytes.len() < 16 {
        return Err(RefusedHash::Malformed);
    }
    Output::new(bytes).map_err(|_| RefusedHash::Malformed)
}

/// Compares in constant time.
fn equals(computed: &[u8], expected: &Output) -> bool {
    Output::new(computed).is_ok_and(|computed| computed == *expected)
}

#[cfg(test)]
mod renewal_tests;
#[cfg(test)]
mod tests;
