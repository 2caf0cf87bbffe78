//! Keys and peppers behind one interface: read when first needed, kept for a while, refreshed behind requests.

mod source;
mod versions;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use wardgate_verify::KeySet;

use crate::cached::{Ages, Cached};
use crate::crypto::key_ring::{Dated, MacKey, PublicKey, Ring, SigningKey, WrapKey};
use crate::domain::timestamp::Timestamp;
use crate::telemetry::metrics;
pub use source::{SecretSource, SecretsError};
pub use versions::{Edition, SecretVersions, Stages};

/// How long a ring that cannot be retired at once is used while its source is down.
pub(crate) const STALE: Duration = Duration::from_hours(24);
/// As [`STALE`], for one that can: who cannot read the ring cannot hear of it (TK-04).
pub(crate) const STALE_IF_RETIRABLE: Duration = Duration::from_hours(1);
/// How long an unknown `kid` has to wait for the next read (TK-03).
const REFETCH: Duration = Duration::from_mins(1);
/// How long after a region took over rings are read as often as [`SETTLING`] says: it copies them from the other one only
/// then, and nobody may go on with those of before (ED-18).
const SETTLES_FOR: Duration = Duration::from_mins(15);
/// As often as who writes is asked.
const SETTLING: Ages = Ages { fresh: Duration::from_secs(30), usable: Duration::from_secs(55) };

/// The rings, each a secret object of its own: a function is given the right to read just the ones it needs (OT-09,
/// TK-05).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RingName {
    /// The private keys of access tokens.
    Signing,
    /// Their public halves.
    PublicKeys,
    /// The keys of refresh tokens.
    SessionMac,
    /// The keys of tokens that belong to a sign-in or registration in progress.
    LoginMac,
    /// The keys of links and codes that travel by mail.
    MailMac,
    /// The keys that wrap password hashes.
    PasswordWrap,
    /// The keys that wrap the secrets of authenticator apps: who checks a code must not be able to open a password hash
    /// (MF-05).
    FactorWrap,
}

impl RingName {
    /// The last part of the secret's name, and the member of a key file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing",
            Self::PublicKeys => "public_keys",
            Self::SessionMac => "session_mac",
            Self::LoginMac => "login_mac",
            Self::MailMac => "mail_mac",
            Self::PasswordWrap => "password_wrap",
            Self::FactorWrap => "factor_wrap",
        }
    }

    /// How long the ring serves while its source is down. What wraps what the table keeps is never retired at once: without
    /// it nobody could sign in any more, and its keys leave when no row needs them.
    const fn stale(self) -> Duration {
        match self {
            Self::PasswordWrap | Self::FactorWrap => STALE,
            Self::Signing | Self::PublicKeys | Self::SessionMac | Self::LoginMac | Self::MailMac => STALE_IF_RETIRABLE,
        }
    }

    /// The rings that get new keys by themselves or by command. The public keys follow from the private ones.
    pub const ROTATING: [Self; 6] =
        [Self::Signing, Self::SessionMac, Self::LoginMac, Self::MailMac, Self::PasswordWrap, Self::FactorWrap];
}

/// Every ring, as it was last read.
#[derive(Debug)]
pub struct Secrets {
    source: SecretSource,
    ages: Ages,
    /// In milliseconds since 1970.
    settles_until: AtomicI64,
    signing: Arc<Cached<Ring<SigningKey>>>,
    public_keys: Arc<Cached<PublicKeys>>,
    session_mac: Arc<Cached<Ring<MacKey>>>,
    login_mac: Arc<Cached<Ring<MacKey>>>,
    mail_mac: Arc<Cached<Ring<MacKey>>>,
    password_wrap: Arc<Cached<Ring<WrapKey>>>,
    factor_wrap: Arc<Cached<Ring<WrapKey>>>,
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

/// How old the newest key of a ring is that was just read: a rotation that does not happen is seen there.
fn measure<K: Dated>(name: RingName, ring: Ring<K>, now: Timestamp) -> Ring<K> {
    if let Some(newest) = ring.newest() {
        metrics::key_age(name.name(), now.since(newest).as_secs_f64());
    }
    ring
}

impl PublicKeys {
    fn new(ring: Ring<PublicKey>, now: Timestamp) -> Result<Self, SecretsError> {
        let malformed = |_| SecretsError::Malformed { secret: "the published key set".to_owned() };
        let key_set = KeySet::parse(ring.jwks(now).to_string().as_bytes()).map_err(malformed)?;
        Ok(Self { ring, key_set, as_of: now })
    }
}

impl Secrets {
    /// Reads from `source`: again behind a request after `max_age`, and before a request after twice that.
    pub fn new(source: SecretSource, max_age: Duration) -> Self {
        fn cached<T: Send + Sync + 'static>(ring: RingName) -> Arc<Cached<T>> {
            Arc::new(Cached::new(ring.name(), ring.stale(), metrics::stale_secrets))
        }
        Self {
            source,
            ages: Ages { fresh: max_age, usable: max_age * 2 },
            settles_until: AtomicI64::new(0),
            signing: cached(RingName::Signing),
            public_keys: cached(RingName::PublicKeys),
            session_mac: cached(RingName::SessionMac),
            login_mac: cached(RingName::LoginMac),
            mail_mac: cached(RingName::MailMac),
            password_wrap: cached(RingName::PasswordWrap),
            factor_wrap: cached(RingName::FactorWrap),
        }
    }

    /// A region has taken over at this time: for a while rings are read more often.
    pub fn settle(&self, since: Timestamp) {
        self.settles_until.fetch_max(since.plus(SETTLES_FOR).millis(), Ordering::Relaxed);
    }

    fn ages(&self, now: Timestamp) -> Ages {
        let settles = now.millis() < self.settles_until.load(Ordering::Relaxed);
        if settles && SETTLING.fresh < self.ages.fresh { SETTLING } else { self.ages }
    }

    /// The private keys of access tokens.
    pub async fn signing(&self, now: Timestamp) -> Result<Arc<Ring<SigningKey>>, SecretsError> {
        self.ring(&self.signing, RingName::Signing, now).await
    }

    /// The keys of refresh tokens.
    pub async fn session_mac(&self, now: Timestamp) -> Result<Arc<Ring<MacKey>>, SecretsError> {
        self.ring(&self.session_mac, RingName::SessionMac, now).await
    }

    /// The keys of tokens that belong to a sign-in or registration in progress.
    pub async fn login_mac(&self, now: Timestamp) -> Result<Arc<Ring<MacKey>>, SecretsError> {
        self.ring(&self.login_mac, RingName::LoginMac, now).await
    }

    /// The keys of links and codes that travel by mail.
    pub async fn mail_mac(&self, now: Timestamp) -> Result<Arc<Ring<MacKey>>, SecretsError> {
        self.ring(&self.mail_mac, RingName::MailMac, now).await
    }

    /// The keys that wrap password hashes.
    pub async fn password_wrap(&self, now: Timestamp) -> Result<Arc<Ring<WrapKey>>, SecretsError> {
        self.ring(&self.password_wrap, RingName::PasswordWrap, now).await
    }

    /// The keys that wrap password hashes, read again whatever their age: a migration must not miss a new one.
    pub async fn password_wrap_anew(&self, now: Timestamp) -> Result<Arc<Ring<WrapKey>>, SecretsError> {
        self.anew(&self.password_wrap, RingName::PasswordWrap, now).await
    }

    /// As [`Self::password_wrap_anew`], of the secrets of authenticator apps.
    pub async fn factor_wrap_anew(&self, now: Timestamp) -> Result<Arc<Ring<WrapKey>>, SecretsError> {
        self.anew(&self.factor_wrap, RingName::FactorWrap, now).await
    }

    async fn anew(
        &self,
        cached: &Arc<Cached<Ring<WrapKey>>>,
        name: RingName,
        now: Timestamp,
    ) -> Result<Arc<Ring<WrapKey>>, SecretsError> {
        let source = self.source.clone();
        let anew = Ages { fresh: Duration::ZERO, usable: Duration::ZERO };
        cached.get(now, anew, || async move { source.read(name).await }).await
    }

    /// The keys that wrap the secrets of authenticator apps.
    pub async fn factor_wrap(&self, now: Timestamp) -> Result<Arc<Ring<WrapKey>>, SecretsError> {
        self.ring(&self.factor_wrap, RingName::FactorWrap, now).await
    }

    /// The public keys of access tokens: the only ring that verifying needs.
    pub async fn public_keys(&self, now: Timestamp) -> Result<Arc<PublicKeys>, SecretsError> {
        self.public_keys_aged(self.ages(now), now).await
    }

    /// The public keys, read again if that was more than a minute ago: for a `kid` that is not among them (TK-03).
    pub async fn public_keys_for_unknown_kid(&self, now: Timestamp) -> Result<Arc<PublicKeys>, SecretsError> {
        let fresh = REFETCH.min(self.ages.fresh);
        self.public_keys_aged(Ages { fresh, usable: fresh }, now).await
    }

    /// Reads a ring ahead of its first use. A failure is for the first use to report.
    pub async fn prefetch(&self, ring: RingName, now: Timestamp) {
        let failed = match ring {
            RingName::Signing => self.signing(now).await.err(),
            RingName::PublicKeys => self.public_keys(now).await.err(),
            RingName::SessionMac => self.session_mac(now).await.err(),
            RingName::LoginMac => self.login_mac(now).await.err(),
            RingName::MailMac => self.mail_mac(now).await.err(),
            RingName::PasswordWrap => self.password_wrap(now).await.err(),
            RingName::FactorWrap => self.factor_wrap(now).await.err(),
        };
        if let Some(cause) = failed {
            tracing::warn!(ring = ring.name(), %cause, "could not read a key ring ahead");
        }
    }

    /// How long after a new ring is there somebody may still use the one before, whichever ring it is.
    pub fn longest_use(&self) -> Duration {
        STALE + self.ages.usable
    }

    /// A ring's secret with its versions, past the cache: for what makes new keys.
    pub fn versions(&self, ring: RingName) -> Result<SecretVersions, SecretsError> {
        match &self.source {
            SecretSource::Manager { client, prefix } => Ok(SecretVersions::new(client, prefix, ring)),
            SecretSource::File(_) | SecretSource::Folder(_) | SecretSource::None => Err(SecretsError::NoSource),
        }
    }

    async fn ring<K: Dated + DeserializeOwned + Send + Sync + 'static>(
        &self,
        cached: &Arc<Cached<Ring<K>>>,
        ring: RingName,
        now: Timestamp,
    ) -> Result<Arc<Ring<K>>, SecretsError> {
        let source = self.source.clone();
        cached.get(now, self.ages(now), || async move { Ok(measure(ring, source.read(ring).await?, now)) }).await
    }

    async fn public_keys_aged(&self, ages: Ages, now: Timestamp) -> Result<Arc<PublicKeys>, SecretsError> {
        let source = self.source.clone();
        let ring = RingName::PublicKeys;
        let read = || async move { PublicKeys::new(measure(ring, source.read(ring).await?, now), now) };
        let keys = self.public_keys.get(now, ages, read).await?;
        if keys.ring.is_unchanged(keys.as_of, now) {
            return Ok(keys);
        }
        // A key's time has run out since the ring was read: the clock decides, not the cache (TK-04).
        Ok(Arc::new(PublicKeys::new(keys.ring.clone(), now)?))
    }
}
