//! The next ring, from this ring at this time (TK-04). Nothing here reads a clock or writes anything.
//!
//! The keys of one use follow each other: what one signs until is what the next signs from, and the last one has no end.
//! So there is always a signer, however late the next rotation is. A key's tokens stay accepted after it stopped signing
//! for as long as they may live.

pub mod error;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::crypto::access_token::SignError;
use crate::crypto::key_ring::{MacKey, PublicKey, Ring, SigningAlgorithm, SigningKey, Validity, WrapKey};
use crate::crypto::rotation::error::RingError;
use crate::crypto::secret_bytes::SecretBytes;
use crate::domain::hex;
use crate::domain::timestamp::Timestamp;
use crate::entropy::{Entropy, NoEntropy};

/// The end of what has none until its successor is made: that of the year 9999, which JSON's numbers still hold.
pub const NO_END: Timestamp = Timestamp::from_millis(253_402_300_799_000);
/// How long a rotation may take from its first step to its last, over all interruptions.
const UNDER_WAY: Duration = Duration::from_hours(24);

/// How long the parts of a key's life last.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a key has to be known everywhere before it signs.
    pub notice: Duration,
    /// How long at most what a key made is used.
    pub token_life: Duration,
}

impl Terms {
    /// Whether a key that is published only now may wait for this time to sign.
    pub fn is_noticed(self, sign_from: Timestamp, now: Timestamp) -> bool {
        now.plus(self.notice) <= sign_from
    }

    /// From when a key signs that is made now: late enough for its rotation to be finished at leisure.
    fn sign_from(self, now: Timestamp) -> Timestamp {
        now.plus(self.notice).plus(UNDER_WAY)
    }

    /// Until when a key that signs so long is accepted. Once more the notice, because clocks differ, and because caches
    /// of ours hold a ring for that long.
    fn publish_until(self, sign_until: Timestamp) -> Timestamp {
        if sign_until == NO_END { NO_END } else { sign_until.plus(self.token_life).plus(self.notice) }
    }
}

/// The generator made no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no signing key could be generated")]
pub struct NotGenerated;

/// Makes a private key in PKCS #8. A parameter, because RSA's needs a crate that only one function may link.
pub type Generate = fn(SigningAlgorithm) -> Result<SecretBytes, NotGenerated>;

/// What new keys are made from.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Random bits.
    pub entropy: &'a dyn Entropy,
    /// Private signing keys.
    pub generate: Generate,
}

/// What becomes of a ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It gets its next key, unless one waits already.
    Rotate,
    /// The key of this name goes at once.
    Retire(String),
    /// All keys go at once.
    RetireAll,
}

impl Change {
    fn takes(&self, kid: &str) -> bool {
        match self {
            Self::Rotate => false,
            Self::Retire(retired) => retired == kid,
            Self::RetireAll => true,
        }
    }
}

/// A key as an operator may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyTimes {
    /// Its name, or a wrapping key's version.
    pub kid: String,
    /// What it signs with, if it signs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<SigningAlgorithm>,
    /// When it is used.
    #[serde(flatten)]
    pub validity: Validity,
}

/// A key of a ring that rotates.
pub trait RotatingKey: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The ring after the change.
    fn next(
        ring: &Ring<Self>,
        change: &Change,
        now: Timestamp,
        terms: Terms,
        source: Source<'_>,
    ) -> Result<Ring<Self>, RingError>;

    /// What may be told of it.
    fn times(&self) -> KeyTimes;

    /// Whether it does what it is for.
    fn is_sound(&self) -> bool;

    /// The keys to publish, where others verify by public halves.
    fn published(_ring: &Ring<Self>) -> Result<Option<Ring<PublicKey>>, SignError> {
        Ok(None)
    }
}

impl RotatingKey for SigningKey {
    /// Every algorithm has its keys, so that `tokens.algorithm` can be changed at any time.
    fn next(
        ring: &Ring<Self>,
        change: &Change,
        now: Timestamp,
        terms: Terms,
        source: Source<'_>,
    ) -> Result<Ring<Self>, RingError> {
        let mut keys = Vec::new();
        for alg in [SigningAlgorithm::RS256, SigningAlgorithm::ES256] {
            let of_alg = ring.keys.iter().filter(|key| key.alg == alg).cloned().collect();
            keys.extend(successors(of_alg, change, now, terms, |validity| {
                Ok(Self { kid: new_kid(now, source.entropy)?, alg, pkcs8: (source.generate)(alg)?, validity })
            })?);
        }
        Ok(Ring { keys })
    }

    fn times(&self) -> KeyTimes {
        KeyTimes { kid: self.kid.clone(), alg: Some(self.alg), validity: self.validity }
    }

    fn is_sound(&self) -> bool {
        self.is_sound()
    }

    fn published(ring: &Ring<Self>) -> Result<Option<Ring<PublicKey>>, SignError> {
        ring.public().map(Some)
    }
}

impl RotatingKey for MacKey {
    fn next(
        ring: &Ring<Self>,
        change: &Change,
        now: Timestamp,
        terms: Terms,
        source: Source<'_>,
    ) -> Result<Ring<Self>, RingError> {
        let keys = successors(ring.keys.clone(), change, now, terms, |validity| {
            Ok(Self { kid: new_kid(now, source.entropy)?, secret: new_secret(source.entropy)?, validity })
        })?;
        Ok(Ring { keys })
    }

    fn times(&self) -> KeyTimes {
        KeyTimes { kid: self.kid.clone(), alg: None, validity: self.validity }
    }

    fn is_sound(&self) -> bool {
        self.secret.expose().len() >= 32
    }
}

impl RotatingKey for WrapKey {
    /// Adds a version, which all others outlive: only a migration knows when no row uses one (PW-02).
    fn next(
        ring: &Ring<Self>,
        change: &Change,
        now: Timestamp,
        terms: Terms,
        source: Source<'_>,
    ) -> Result<Ring<Self>, RingError> {
        if *change != Change::Rotate {
            return Err(RingError::NeverRetired);
        }
        let mut keys = ring.keys.clone();
        if keys.iter().any(|key| key.sign_from > now) {
            return Ok(Ring { keys });
        }
        let sign_from = if keys.is_empty() { now } else { terms.sign_from(now) };
        let version = keys.iter().map(|key| key.version).max().unwrap_or_default().saturating_add(1);
        keys.push(Self { version, secret: new_secret(source.entropy)?, sign_from });
        Ok(Ring { keys })
    }

    fn times(&self) -> KeyTimes {
        let validity = Validity { sign_from: self.sign_from, sign_until: NO_END, publish_until: NO_END };
        KeyTimes { kid: self.version.to_string(), alg: None, validity }
    }

    fn is_sound(&self) -> bool {
        self.secret.expose().len() == 32
    }
}

/// What the keys that follow each other have in common.
trait Follows {
    fn kid(&self) -> &str;
    fn validity(&self) -> Validity;
    fn set_validity(&mut self, validity: Validity);
}

macro_rules! follows {
    ($key:ty) => {
        impl Follows for $key {
            fn kid(&self) -> &str {
                &self.kid
            }
            fn validity(&self) -> Validity {
                self.validity
            }
            fn set_validity(&mut self, validity: Validity) {
                self.validity = validity;
            }
        }
    };
}
follows!(SigningKey);
follows!(MacKey);

/// The keys of one use after the change. What nobody accepts any more is left out.
fn successors<K: Follows>(
    mut keys: Vec<K>,
    change: &Change,
    now: Timestamp,
    terms: Terms,
    make: impl FnOnce(Validity) -> Result<K, RingError>,
) -> Result<Vec<K>, RingError> {
    keys.retain(|key| key.validity().is_published(now) && !change.takes(key.kid()));
    let signs = keys.iter().any(|key| key.validity().signs(now));
    let waits = keys.iter().any(|key| now < key.validity().sign_from);
    // Without a signer there is nothing to wait for: nobody could sign in until then.
    let begins = match (signs, change) {
        (false, _) => Some(now),
        (true, Change::Rotate) if !waits => Some(terms.sign_from(now)),
        (true, _) => None,
    };
    if let Some(sign_from) = begins {
        keys.push(make(Validity { sign_from, sign_until: NO_END, publish_until: NO_END })?);
    }
    keys.sort_by_key(|key| key.validity().sign_from);
    let mut next_from = NO_END;
    for key in keys.iter_mut().rev() {
        let was = key.validity();
        // What has stopped signing does not begin again.
        let sign_until = if now < was.sign_until { next_from } else { was.sign_until };
        let mut publish_until = terms.publish_until(sign_until);
        if was.sign_until <= sign_until && was.sign_until != NO_END {
            // Tokens that live longer by an earlier configuration keep their key.
            publish_until = publish_until.max(was.publish_until);
        }
        key.set_validity(Validity { sign_from: was.sign_from, sign_until, publish_until });
        if now < was.sign_until {
            next_from = was.sign_from;
        }
    }
    Ok(keys)
}

/// The day for people, and 64 random bits.
fn new_kid(now: Timestamp, entropy: &dyn Entropy) -> Result<String, NoEntropy> {
    let day: String = now.rfc3339().chars().take(10).collect();
    Ok(format!("{day}-{}", hex(&entropy.bytes::<8>()?)))
}

fn new_secret(entropy: &dyn Entropy) -> Result<SecretBytes, NoEntropy> {
    Ok(SecretBytes::new(entropy.bytes::<32>()?.to_vec()))
}

#[cfg(test)]
mod tests;
