//! Argon2id with bounded concurrency and memory that is kept and wiped (PW-01, PW-08). Hashes of other systems are
//! verified in the same queue (PW-07).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Decimal, Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::Deserialize;
use thiserror::Error;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::crypto::foreign_hash::{ForeignHash, MAX_STORED, RefusedHash};
use crate::domain::password::Password;

/// No stored hash may cost more than this, whatever it says (PW-07): `m` in KiB, `t` and `p`.
pub const MAX_MEMORY_KIB: u32 = 64 * 1024;
/// See [`MAX_MEMORY_KIB`].
pub const MAX_ITERATIONS: u32 = 10;
/// See [`MAX_MEMORY_KIB`].
pub const MAX_PARALLELISM: u32 = 4;
/// What a hash of our own begins with. Whatever else is stored came from another system.
const OURS: &str = "$argon2id$";

/// The cost of a password's hash, and how many may wait for their turn.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HashingPolicy {
    /// Argon2id's `m`. A password with other parameters is hashed again at its next sign-in.
    pub memory_kib: u32,
    /// Argon2id's `t`.
    pub iterations: u32,
    /// Argon2id's `p`.
    pub parallelism: u32,
    /// How many requests may wait for a hash; the next one gets 503 (PW-08).
    pub queue: usize,
    /// How long a request may have to wait for a hash, as far as can be told from what the last ones took; one that would
    /// wait longer gets 503 (PW-08). Nobody waits for nothing, whose answer would come too late anyway.
    pub max_wait_ms: u64,
}

/// Why there is no hash.
#[derive(Debug, Error)]
pub enum HashError {
    /// The queue is full, or would take too long (PW-08).
    #[error("too many requests wait for a password hash")]
    QueueFull,
    /// The parameters in the configuration or in a stored hash are not Argon2's.
    #[error("argon2: {0}")]
    Argon2(#[from] argon2::Error),
    /// A stored hash is not a PHC string of Argon2id within our caps.
    #[error("a stored hash is not an Argon2id PHC string")]
    MalformedHash,
    /// A stored hash of another system is not one that we verify (PW-07).
    #[error("a stored foreign hash: {0}")]
    Foreign(#[from] RefusedHash),
    /// The hashing thread went away.
    #[error("the hashing thread did not finish")]
    Interrupted,
}

/// What a password is to a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// It is the password.
    Match,
    /// It is the password, and the hash has older parameters than ours or is another system's and of this password alone:
    /// hash it again (PW-01, PW-07).
    MatchOutdated,
    /// It is not.
    Mismatch,
}

/// Hashes and verifies passwords.
#[derive(Debug)]
pub struct PasswordHasher {
    params: Params,
    queue: usize,
    max_wait: Duration,
    waiting: AtomicUsize,
    /// Microseconds that a hash takes: the last ones count most.
    usual: Arc<AtomicU64>,
    at_a_time: usize,
    slots: Arc<Semaphore>,
    memory: Arc<Mutex<Vec<Vec<Block>>>>,
}

impl PasswordHasher {
    /// A hasher that runs at most `slots` hashes at a time: one on Lambda, one per core in the standalone server.
    pub fn new(policy: &HashingPolicy, slots: usize) -> Result<Self, HashError> {
        let params = Params::new(policy.memory_kib, policy.iterations, policy.parallelism, None)?;
        let at_a_time = slots.max(1);
        Ok(Self {
            params,
            queue: policy.queue,
            max_wait: Duration::from_millis(policy.max_wait_ms),
            waiting: AtomicUsize::new(0),
            usual: Arc::default(),
            at_a_time,
            slots: Arc::new(Semaphore::new(at_a_time)),
            memory: Arc::default(),
        })
    }

    /// How many requests wait for a hash.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// What a hash takes: the last ones count most. Nothing before the first.
    pub fn usual(&self) -> Duration {
        Duration::from_micros(self.usual.load(Ordering::Relaxed))
    }

    /// Hashes a new password into a PHC string.
    pub async fn hash(&self, password: &Password, salt: [u8; 16]) -> Result<Zeroizing<String>, HashError> {
        let params = self.params.clone();
        let output = self.argon2id(password, salt.to_vec(), params.clone()).await?;
        let phc = PasswordHash {
            algorithm: Ident::new_unwrap("argon2id"),
            version: Some(Decimal::from(Version::V0x13 as u32)),
            params: ParamsString::try_from(&params).map_err(|_| HashError::MalformedHash)?,
            salt: Some(Salt::new(&salt).map_err(|_| HashError::MalformedHash)?),
            hash: Some(Output::new(&output).map_err(|_| HashError::MalformedHash)?),
        };
        Ok(Zeroizing::new(phc.to_string()))
    }

    /// Verifies a password against a stored hash. Without one it does the same work and answers `Mismatch`, so that an
    /// unknown address takes as long as a known one (EN-04). Foreign hashes take as long as they say.
    pub async fn verify(&self, password: &Password, stored: Option<&str>) -> Result<Verification, HashError> {
        match stored {
            None => {
                self.argon2id(password, vec![0; 16], self.params.clone()).await?;
                Ok(Verification::Mismatch)
            }
            Some(phc) if phc.starts_with(OURS) => self.verify_ours(password, phc).await,
            Some(foreign) => self.verify_foreign(password, foreign).await,
        }
    }

    async fn verify_ours(&self, password: &Password, phc: &str) -> Result<Verification, HashError> {
        if phc.len() > MAX_STORED {
            return Err(HashError::MalformedHash);
        }
        let stored = PasswordHash::new(phc).map_err(|_| HashError::MalformedHash)?;
        let params = Params::try_from(&stored).map_err(|_| HashError::MalformedHash)?;
        let too_costly =
            params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_ITERATIONS || params.p_cost() > MAX_PARALLELISM;
        if too_costly {
            return Err(HashError::MalformedHash);
        }
        let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else { return Err(HashError::MalformedHash) };
        let outdated = (params.m_cost(), params.t_cost(), params.p_cost())
            != (self.params.m_cost(), self.params.t_cost(), self.params.p_cost());
        let output = self.argon2id(password, salt.to_vec(), params).await?;
        // `Output` compares in constant time.
        let matches = Output::new(&output).map_err(|_| HashError::MalformedHash)? == expected;
        Ok(match (matches, outdated) {
            (true, false) => Verification::Match,
            (true, true) => Verification::MatchOutdated,
            (false, _) => Verification::Mismatch,
        })
    }

    /// The other system may have hashed what was typed as it was typed: that first, then NFC. Only a hash of the password
    /// in NFC, and of no other password, asks to be replaced: one of ours would open to others than it does (PW-07).
    async fn verify_foreign(&self, password: &Password, stored: &str) -> Result<Verification, HashError> {
        let hash = ForeignHash::parse(stored)?;
        let bytes = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
        let (typed, nfc) = (bytes(password.typed()), bytes(password.expose()));
        let verify = move || {
            if typed != nfc && hash.matches(&typed) {
                return Verification::Match;
            }
            match hash.matches(&nfc) {
                true if hash.sees_all_of(&nfc) => Verification::MatchOutdated,
                true => Verification::Match,
                false => Verification::Mismatch,
            }
        };
        self.run(verify).await
    }

    async fn argon2id(
        &self,
        password: &Password,
        salt: Vec<u8>,
        params: Params,
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        let password = Zeroizing::new(password.expose().as_bytes().to_vec());
        let memory = Arc::clone(&self.memory);
        let hashed = self.run(move || {
            let mut blocks = memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
            blocks.resize(params.block_count().max(blocks.len()), Block::new());
            let mut output = Zeroizing::new(vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)]);
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let result = argon2.hash_password_into_with_memory(&password, &salt, &mut output, &mut blocks);
            blocks.fill(Block::new());
            memory.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
            result.map(|()| output)
        });
        Ok(hashed.await??)
    }

    /// Waits for a slot, then hashes on a thread of its own: a hash takes longer than anything else may block.
    #[expect(
        clippy::disallowed_methods,
        reason = "what hashes take is measured, and nothing is decided by the time of day"
    )]
    async fn run<T: Send + 'static>(&self, hash: impl FnOnce() -> T + Send + 'static) -> Result<T, HashError> {
        let place = Waiting::enter(&self.waiting);
        let permit = match Arc::clone(&self.slots).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) if self.is_too_long_for(place.others) => return Err(HashError::QueueFull),
            Err(_) => Arc::clone(&self.slots).acquire_owned().await.map_err(|_| HashError::Interrupted)?,
        };
        drop(place);
        let usual = Arc::clone(&self.usual);
        let hashing = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let hashed = hash();
            learn(&usual, began.elapsed());
            drop(permit);
            hashed
        });
        hashing.await.map_err(|_| HashError::Interrupted)
    }

    /// Whether one more is too many behind so many others. As many as are hashed at a time may always wait: however long a
    /// hash takes, the next one is not long in coming.
    fn is_too_long_for(&self, others: usize) -> bool {
        let before = u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1);
        let at_a_time = u32::try_from(self.at_a_time).unwrap_or(u32::MAX);
        let expected = self.usual().saturating_mul(before) / at_a_time;
        others >= self.queue || others >= self.at_a_time && expected > self.max_wait
    }
}

/// An eighth of the way from what was usual to what was just seen. Two at once may lose one of them, which is no matter.
fn learn(usual: &AtomicU64, seen: Duration) {
    let seen = u64::try_from(seen.as_micros()).unwrap_or(u64::MAX);
    let known = usual.load(Ordering::Relaxed);
    let learnt = if known == 0 { seen } else { known - known / 8 + seen / 8 };
    usual.store(learnt, Ordering::Relaxed);
}

/// A place in the queue, given back when the wait ends in whatever way: a client that goes away must not hold one.
struct Waiting<'a> {
    counter: &'a AtomicUsize,
    others: usize,
}

impl<'a> Waiting<'a> {
    fn enter(counter: &'a AtomicUsize) -> Self {
        Self { counter, others: counter.fetch_add(1, Ordering::AcqRel) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(memory_kib: u32) -> HashingPolicy {
        HashingPolicy { memory_kib, iterations: 2, parallelism: 1, queue: 1, max_wait_ms: 1000 }
    }

    fn hasher(memory_kib: u32) -> PasswordHasher {
        PasswordHasher::new(&policy(memory_kib), 1).unwrap()
    }

    fn password(text: &str) -> Password {
        Password::attempt(text).unwrap()
    }

    #[tokio::test]
    async fn sec_pw_01_a_hash_is_argon2id_in_phc_form_with_its_own_salt() {
        let hasher = hasher(19_456);
        let phc = hasher.hash(&password("one"), [1; 16]).await.unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", *phc);
        assert_eq!(hasher.verify(&password("one"), Some(&phc)).await.unwrap(), Verification::Match);
        assert_eq!(hasher.verify(&password("two"), Some(&phc)).await.unwrap(), Verification::Mismatch);
        assert_ne!(*phc, *hasher.hash(&password("one"), [2; 16]).await.unwrap());
    }

    #[tokio::test]
    async fn sec_pw_01_older_parameters_verify_and_ask_for_a_rehash() {
        let phc = hasher(64).hash(&password("one"), [1; 16]).await.unwrap();
        assert_eq!(hasher(128).verify(&password("one"), Some(&phc)).await.unwrap(), Verification::MatchOutdated);
        assert_eq!(hasher(128).verify(&password("two"), Some(&phc)).await.unwrap(), Verification::Mismatch);
    }

    #[tokio::test]
    async fn sec_pw_02_the_hash_input_is_normalised() {
        let phc = hasher(64).hash(&password("e\u{301}"), [1; 16]).await.unwrap();
        assert_eq!(hasher(64).verify(&password("\u{e9}"), Some(&phc)).await.unwrap(), Verification::Match);
    }

    #[tokio::test]
    async fn sec_pw_07_a_stored_hash_cannot_ask_for_unbounded_work() {
        let tail = "$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        for cost in ["m=4194304,t=2,p=1", "m=64,t=11,p=1", "m=64,t=2,p=5"] {
            let phc = format!("$argon2id$v=19${cost}{tail}");
            let refused = hasher(64).verify(&password("one"), Some(&phc)).await;
            assert!(matches!(refused, Err(HashError::MalformedHash)), "{cost}");
        }
        let long = format!("$argon2id$v=19$m=64,t=2,p=1{}{tail}", "0".repeat(512));
        assert!(matches!(hasher(64).verify(&password("one"), Some(&long)).await, Err(HashError::MalformedHash)));
    }

    #[tokio::test]
    async fn sec_pw_07_a_foreign_hash_verifies_and_asks_for_a_rehash() {
        let stored = "pbkdf2_sha256$1$seasalt$mJQ8D8xVBAKQGCo0t0n+NSPS2a0gQhVtjuC9LdL9WiM=";
        let verified = hasher(64).verify(&password("l\u{e8}tmein"), Some(stored)).await;
        assert_eq!(verified.unwrap(), Verification::MatchOutdated);
        let verified = hasher(64).verify(&password("letmein"), Some(stored)).await;
        assert_eq!(verified.unwrap(), Verification::Mismatch);
        // Even one with parameters that are ours.
        let ours = hasher(64).hash(&password("one"), [1; 16]).await.unwrap();
        let verified = hasher(64).verify(&password("one"), Some(&format!("argon2{}", *ours))).await;
        assert_eq!(verified.unwrap(), Verification::MatchOutdated);
    }

    #[tokio::test]
    async fn sec_pw_07_foreign_hashes_try_what_was_typed_then_nfc() {
        let (composed, decomposed) = ("l\u{e8}tmein", "le\u{300}tmein");
        let of_composed = "pbkdf2_sha256$1$seasalt$mJQ8D8xVBAKQGCo0t0n+NSPS2a0gQhVtjuC9LdL9WiM=";
        let of_decomposed = "pbkdf2_sha256$1$seasalt$XPlB5Vk89zGVErW6+uWozwibO3fGyZH71gCpVnzQ5n8=";
        for (stored, typed, expected) in [
            (of_composed, composed, Verification::MatchOutdated),
            (of_composed, decomposed, Verification::MatchOutdated),
            // A hash of ours would open to the composed spelling, too.
            (of_decomposed, decomposed, Verification::Match),
            // Nobody can tell what else the owner's keyboard may have sent.
            (of_decomposed, composed, Verification::Mismatch),
        ] {
            assert_eq!(
                hasher(64).verify(&password(typed), Some(stored)).await.unwrap(),
                expected,
                "{stored} {typed:?}"
            );
        }
    }

    #[tokio::test]
    async fn sec_pw_08_a_foreign_hash_waits_for_the_same_slot() {
        let hasher = hasher(64);
        let held = Arc::clone(&hasher.slots).try_acquire_owned().unwrap();
        let (secret, stored) = (password("one"), "pbkdf2_sha256$1$s$mJQ8D8xVBAKQGCo0t0n+NSPS2a0gQhVtjuC9LdL9WiM=");
        let mut waiting = Box::pin(hasher.verify(&secret, Some(stored)));
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(matches!(hasher.verify(&secret, Some(stored)).await, Err(HashError::QueueFull)));
        drop(held);
        assert_eq!(waiting.await.unwrap(), Verification::Mismatch);
    }

    #[tokio::test]
    async fn sec_pw_08_nobody_waits_for_longer_than_the_last_hashes_allow() {
        let hasher = PasswordHasher::new(&HashingPolicy { queue: 100, ..policy(64) }, 2).unwrap();
        hasher.hash(&password("one"), [1; 16]).await.unwrap();
        assert_ne!(hasher.usual.load(Ordering::Relaxed), 0, "it learns");
        // Two at a time and 300 ms each: the sixth would wait 900 ms, the seventh 1,050.
        hasher.usual.store(300_000, Ordering::Relaxed);
        assert!(!hasher.is_too_long_for(5) && hasher.is_too_long_for(6));
        // Whatever they take, one for each slot may wait.
        hasher.usual.store(60_000_000, Ordering::Relaxed);
        assert!(!hasher.is_too_long_for(1) && hasher.is_too_long_for(2));
        learn(&hasher.usual, Duration::from_secs(4));
        assert_eq!(hasher.usual.load(Ordering::Relaxed), 53_000_000);
    }

    #[tokio::test]
    async fn memory_is_kept_and_wiped() {
        let hasher = hasher(64);
        hasher.hash(&password("one"), [1; 16]).await.unwrap();
        let pool = hasher.memory.lock().unwrap();
        assert_eq!(pool.len(), 1);
        assert!(pool[0].iter().all(|block| AsRef::<[u64]>::as_ref(block).iter().all(|word| *word == 0)));
    }

    #[tokio::test]
    async fn sec_pw_08_a_full_queue_refuses_and_an_abandoned_wait_gives_its_place_back() {
        let hasher = hasher(64);
        let held = Arc::clone(&hasher.slots).try_acquire_owned().unwrap();
        let secret = password("one");
        let mut waiting = Box::pin(hasher.hash(&secret, [1; 16]));
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(matches!(hasher.hash(&password("two"), [1; 16]).await, Err(HashError::QueueFull)));
        drop(waiting);
        let second = password("three");
        let mut waiting = Box::pin(hasher.hash(&second, [1; 16]));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(held);
        assert!(waiting.await.is_ok());
    }
}
