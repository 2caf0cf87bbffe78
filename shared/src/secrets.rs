//! Keys and peppers behind one interface: read when first needed, kept for a while, and kept longer while their source
//! is down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::sync::Mutex;
use wardgate_verify::KeySet;
use zeroize::Zeroizing;

use crate::crypto::key_ring::{MacKey, PublicKey, Ring, SigningKey, WrapKey};
use crate::domain::timestamp::Timestamp;

/// How long a ring is used while its source is down.
const STALE: Duration = Duration::from_hours(24);
/// How long an unknown `kid` has to wait for the next read (TK-03).
const REFETCH: Duration = Duration::from_mins(1);

/// Why there is no ring. Never holds any of a ring's content.
#[derive(Debug, Error)]
pub enum SecretsError {
    /// Nothing says where the keys are.
    #[error("no source of secrets is configured: set AUTH__SECRETS__FILE")]
    NoSource,
    /// The source does not answer.
    #[error("cannot read the secrets from {source_name}: {cause}")]
    Unavailable {
        /// Where they should be.
        source_name: String,
        /// What went wrong.
        cause: std::io::Error,
    },
    /// The source answers something else.
    #[error("the secret {name} in {source_name} is missing or not a key ring")]
    Malformed {
        /// Which ring.
        name: &'static str,
        /// Where it is.
        source_name: String,
    },
}

/// Where rings are read from.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// A JSON file with one member per ring: stage development only (PL-06).
    File(PathBuf),
    /// None is configured: whatever needs a ring says so.
    None,
}

impl SecretSource {
    fn read<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, SecretsError> {
        let path: &Path = match self {
            Self::File(path) => path,
            Self::None => return Err(SecretsError::NoSource),
        };
        let source_name = path.display().to_string();
        // A small local file: reading it blocks for microseconds, and only in development.
        let text = Zeroizing::new(match std::fs::read(path) {
            Ok(text) => text,
            Err(cause) => return Err(SecretsError::Unavailable { source_name, cause }),
        });
        // Not through serde_json::Value, which would leave copies of other rings behind.
        let malformed = |_| SecretsError::Malformed { name, source_name: source_name.clone() };
        let members: std::collections::BTreeMap<String, Box<serde_json::value::RawValue>> =
            serde_json::from_slice(&text).map_err(malformed)?;
        let member = members.get(name).map_or("null", |raw| raw.get());
        serde_json::from_str(member).map_err(malformed)
    }
}

/// Every ring, each a secret object of its own, so that a function can be given the right to read just the ones it
/// needs (OT-09, TK-05).
#[derive(Debug)]
pub struct Secrets {
    source: SecretSource,
    max_age: Duration,
    signing: Cached<Ring<SigningKey>>,
    public_keys: Cached<PublicKeys>,
    session_mac: Cached<Ring<MacKey>>,
    login_mac: Cached<Ring<MacKey>>,
    password_wrap: Cached<Ring<WrapKey>>,
}

/// The published keys, also in the verifier's form.
#[derive(Debug, Clone)]
pub struct PublicKeys {
    /// With their times.
    pub ring: Ring<PublicKey>,
    /// Those published at `as_of`.
    pub key_set: KeySet,
    as_of: Timestamp,
}

impl PublicKeys {
    fn new(ring: Ring<PublicKey>, now: Timestamp) -> Result<Self, SecretsError> {
        let malformed =
            |_| SecretsError::Malformed { name: "public_keys", source_name: "the published key set".to_owned() };
        let key_set = KeySet::parse(ring.jwks(now).to_string().as_bytes()).map_err(malformed)?;
        Ok(Self { ring, key_set, as_of: now })
    }
}

impl Secrets {
    /// Reads from `source`, again after `max_age`.
    pub fn new(source: SecretSource, max_age: Duration) -> Self {
        Self {
            source,
            max_age,
            signing: Cached::new("signing"),
            public_keys: Cached::new("public_keys"),
            session_mac: Cached::new("session_mac"),
            login_mac: Cached::new("login_mac"),
            password_wrap: Cached::new("password_wrap"),
        }
    }

    /// The private keys of access tokens.
    pub async fn signing(&self, now: Timestamp) -> Result<Arc<Ring<SigningKey>>, SecretsError> {
        self.signing.get(now, self.max_age, |name| self.source.read(name)).await
    }

    /// The public keys of access tokens: the only ring that verifying needs.
    pub async fn public_keys(&self, now: Timestamp) -> Result<Arc<PublicKeys>, SecretsError> {
        self.public_keys_read_within(self.max_age, now).await
    }

    /// The public keys, read again if that was more than a minute ago: for a `kid` that is not among them (TK-03).
    pub async fn public_keys_for_unknown_kid(&self, now: Timestamp) -> Result<Arc<PublicKeys>, SecretsError> {
        self.public_keys_read_within(REFETCH.min(self.max_age), now).await
    }

    async fn public_keys_read_within(
        &self,
        max_age: Duration,
        now: Timestamp,
    ) -> Result<Arc<PublicKeys>, SecretsError> {
        let read = |name| PublicKeys::new(self.source.read(name)?, now);
        let keys = self.public_keys.get(now, max_age, read).await?;
        if keys.ring.is_unchanged(keys.as_of, now) {
            return Ok(keys);
        }
        // A key's time has run out since the ring was read: the clock decides, not the cache (TK-04).
        Ok(Arc::new(PublicKeys::new(keys.ring.clone(), now)?))
    }

    /// The keys of refresh tokens.
    pub async fn session_mac(&self, now: Timestamp) -> Result<Arc<Ring<MacKey>>, SecretsError> {
        self.session_mac.get(now, self.max_age, |name| self.source.read(name)).await
    }

    /// The keys of tokens that belong to a sign-in or registration in progress.
    pub async fn login_mac(&self, now: Timestamp) -> Result<Arc<Ring<MacKey>>, SecretsError> {
        self.login_mac.get(now, self.max_age, |name| self.source.read(name)).await
    }

    /// The keys that wrap password hashes.
    pub async fn password_wrap(&self, now: Timestamp) -> Result<Arc<Ring<WrapKey>>, SecretsError> {
        self.password_wrap.get(now, self.max_age, |name| self.source.read(name)).await
    }
}

/// One ring, as it was last read. The lock is held while reading, so that one request reads and the others wait for
/// what it finds.
#[derive(Debug)]
struct Cached<T> {
    name: &'static str,
    entry: Mutex<Option<Entry<T>>>,
}

#[derive(Debug)]
struct Entry<T> {
    value: Arc<T>,
    read_at: Timestamp,
    tried_at: Timestamp,
}

impl<T> Cached<T> {
    fn new(name: &'static str) -> Self {
        Self { name, entry: Mutex::new(None) }
    }

    async fn get(
        &self,
        now: Timestamp,
        max_age: Duration,
        read: impl FnOnce(&'static str) -> Result<T, SecretsError>,
    ) -> Result<Arc<T>, SecretsError> {
        let mut entry = self.entry.lock().await;
        if let Some(known) = entry.as_ref().filter(|known| now < known.tried_at.plus(max_age)) {
            return Ok(Arc::clone(&known.value));
        }
        match (read(self.name), entry.as_mut()) {
            (Ok(value), _) => {
                let value = Arc::new(value);
                *entry = Some(Entry { value: Arc::clone(&value), read_at: now, tried_at: now });
                Ok(value)
            }
            (Err(error), Some(known)) if now < known.read_at.plus(STALE) => {
                tracing::warn!(secret = self.name, cause = %error, "using a stale key ring");
                known.tried_at = now;
                Ok(Arc::clone(&known.value))
            }
            (Err(error), _) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_AGE: Duration = Duration::from_mins(5);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    async fn get(cached: &Cached<u32>, seconds: i64, answer: Option<u32>) -> Option<u32> {
        let read = |_| answer.ok_or(SecretsError::NoSource);
        cached.get(at(seconds), MAX_AGE, read).await.ok().map(|value| *value)
    }

    #[tokio::test]
    async fn a_ring_is_read_once_per_age() {
        let cached = Cached::new("ring");
        assert_eq!(get(&cached, 0, Some(1)).await, Some(1));
        assert_eq!(get(&cached, 299, Some(2)).await, Some(1));
        assert_eq!(get(&cached, 300, Some(3)).await, Some(3));
    }

    #[tokio::test]
    async fn a_ring_outlives_its_source_by_24_hours() {
        let cached = Cached::new("ring");
        assert_eq!(get(&cached, 0, None).await, None);
        assert_eq!(get(&cached, 1, Some(1)).await, Some(1));
        assert_eq!(get(&cached, 86_400, None).await, Some(1));
        assert_eq!(get(&cached, 86_400 + 301, None).await, None);
    }

    #[tokio::test]
    async fn sec_tk_03_an_unknown_kid_reads_again_at_most_once_a_minute() {
        let cached = Cached::new("ring");
        let reads = std::sync::atomic::AtomicU32::new(0);
        for seconds in 0..180 {
            let read = |_| Ok(reads.fetch_add(1, std::sync::atomic::Ordering::SeqCst));
            cached.get(at(seconds), REFETCH, read).await.unwrap();
        }
        assert_eq!(reads.into_inner(), 3);
    }
}
