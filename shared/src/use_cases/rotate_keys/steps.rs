//! The steps, for a ring of any kind of key.

use std::marker::PhantomData;

use ring::digest::{SHA256, digest};

use crate::app::App;
use crate::crypto::key_ring::{PublicKey, Ring};
use crate::crypto::rotation::error::RotationError;
use crate::crypto::rotation::{Change, Generate, RotatingKey, Source, Terms};
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::hex;
use crate::domain::id::AuditId;
use crate::domain::language::Language;
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::fault::Fault;
use crate::secrets::{Edition, RingName, SecretVersions, Stages};
use crate::use_cases::rotate_keys::Keys;

/// One call's view of a ring.
pub(in crate::use_cases) struct Rotation<'a, K> {
    app: &'a App,
    ring: RingName,
    versions: SecretVersions,
    public: SecretVersions,
    terms: Terms,
    generate: Generate,
    now: Timestamp,
    keys: PhantomData<K>,
}

/// A version that may be finished, and the ring that it was made from.
struct Pending<K> {
    edition: Edition<K>,
    current: Option<Edition<K>>,
    follows: Option<String>,
}

impl<'a, K: RotatingKey> Rotation<'a, K> {
    pub(in crate::use_cases) fn new(
        app: &'a App,
        ring: RingName,
        terms: Terms,
        generate: Generate,
    ) -> Result<Self, Fault> {
        let (versions, public) = (app.secrets.versions(ring)?, app.secrets.versions(RingName::PublicKeys)?);
        Ok(Self { app, ring, versions, public, terms, generate, now: app.clock.now(), keys: PhantomData })
    }

    /// Makes the version, unless it is there.
    pub(in crate::use_cases) async fn create(&self, token: &str) -> Result<(), Fault> {
        let published = self.published().await?;
        let stages = self.versions.stages().await?;
        if stages.is_current(token) {
            return Ok(());
        }
        if self.versions.read::<K>(token).await?.is_some() {
            return if stages.is_pending(token) { Ok(()) } else { Err(RotationError::Stale.into()) };
        }
        // Secrets Manager announces the versions of its own rotations. Only the very first ring has to do without.
        if stages.rotates && stages.current().is_some() && !stages.is_pending(token) {
            return Err(RotationError::Stale.into());
        }
        let edition = self.next(&stages, &Change::Rotate).await?;
        if stages.current().is_none() {
            // A secret's first version is read by everybody from when it is put, whatever its label is to be.
            self.publish_alone(&edition, &published).await?;
        }
        Ok(self.versions.put(token, &edition).await?)
    }

    /// Publishes the keys of the version before anything is signed with them.
    pub(in crate::use_cases) async fn set(&self, token: &str) -> Result<(), Fault> {
        let published = self.published().await?;
        let stages = self.versions.stages().await?;
        if stages.is_current(token) {
            return Ok(());
        }
        let pending = self.pending(token, &stages).await?;
        self.publish_ahead(&pending, &published).await
    }

    /// Tries the version. One without a value is Secrets Manager's own try of a new schedule: it makes such a version,
    /// asks for this step alone, and takes the version away.
    pub(in crate::use_cases) async fn test(&self, token: &str) -> Result<(), Fault> {
        let published = self.published().await?;
        let stages = self.versions.stages().await?;
        if stages.is_current(token) || self.versions.read::<K>(token).await?.is_none() {
            return Ok(());
        }
        let pending = self.pending(token, &stages).await?;
        self.publish_ahead(&pending, &published).await?;
        self.try_keys(&pending.edition).await
    }

    /// Makes the version the ring that everybody reads, and records it.
    pub(in crate::use_cases) async fn finish(&self, token: &str) -> Result<(), Fault> {
        let published = self.published().await?;
        let stages = self.versions.stages().await?;
        if !stages.is_current(token) {
            let pending = self.pending(token, &stages).await?;
            self.publish_ahead(&pending, &published).await?;
            self.try_keys(&pending.edition).await?;
            self.versions.promote(pending.follows.as_deref(), token).await?;
        }
        self.settle(token).await
    }

    /// All steps at once, over a ring without the keys that go.
    pub(in crate::use_cases) async fn retire(&self, change: &Change, token: &str) -> Result<(), Fault> {
        let stages = self.versions.stages().await?;
        let edition = self.next(&stages, change).await?;
        if edition.retired.is_empty() {
            return match stages.current() {
                Some(current) => self.settle(current).await,
                None => Ok(()),
            };
        }
        self.versions.put(token, &edition).await?;
        self.finish(token).await
    }

    /// What there is now; what was retired, if `token`'s version did it.
    pub(in crate::use_cases) async fn keys(&self, token: Option<&str>) -> Result<Keys, Fault> {
        let stages = self.versions.stages().await?;
        let edition = self.edition(stages.current()).await?;
        let retired = match (&edition, token) {
            (Some(edition), Some(token)) if stages.is_current(token) => edition.retired.clone(),
            _ => Vec::new(),
        };
        let keys = edition.iter().flat_map(|edition| edition.keys.iter().map(RotatingKey::times)).collect();
        Ok(Keys { ring: self.ring.name(), version: stages.current().map(str::to_owned), retired, keys })
    }

    async fn edition(&self, version: Option<&str>) -> Result<Option<Edition<K>>, Fault> {
        match version {
            Some(version) => Ok(self.versions.read(version).await?),
            None => Ok(None),
        }
    }

    /// What follows the ring that readers get.
    async fn next(&self, stages: &Stages, change: &Change) -> Result<Edition<K>, Fault> {
        let current = self.edition(stages.current()).await?;
        let ring = Ring { keys: current.map(|edition| edition.keys).unwrap_or_default() };
        let source = Source { entropy: &*self.app.entropy, generate: self.generate };
        let next = K::next(&ring, change, self.now, self.terms, source).map_err(RotationError::from)?;
        let gone = |key: &K| !next.keys.iter().any(|kept| kept.times().kid == key.times().kid);
        // What has run out is gone by itself.
        let retired = ring.keys.iter().filter(|key| gone(key) && key.times().validity.is_published(self.now));
        Ok(Edition {
            made_at: Some(self.now),
            follows: stages.current().map(str::to_owned),
            retired: retired.map(|key| key.times().kid).collect(),
            keys: next.keys,
        })
    }

    /// The version, if it may still become the ring. If it may not, it is given up.
    async fn pending(&self, token: &str, stages: &Stages) -> Result<Pending<K>, Fault> {
        if !stages.is_pending(token) {
            return Err(RotationError::Stale.into());
        }
        let edition = self.versions.read::<K>(token).await?.ok_or(RotationError::NotMade)?;
        let follows = stages.current().map(str::to_owned);
        let current = self.edition(stages.current()).await?;
        let refusal = if edition.follows != follows {
            RotationError::Stale
        } else if self.is_late(&edition, current.as_ref()) {
            RotationError::TooLate
        } else {
            return Ok(Pending { edition, current, follows });
        };
        self.versions.abandon(token).await?;
        Err(refusal.into())
    }

    /// Whether a key that is not published yet would sign before everybody knows it. One that signs from when it was
    /// made has nobody before it.
    fn is_late(&self, edition: &Edition<K>, current: Option<&Edition<K>>) -> bool {
        let is_known = |key: &K| {
            let known = current.into_iter().flat_map(|current| &current.keys);
            known.into_iter().any(|known| known.times().kid == key.times().kid)
        };
        let new = edition.keys.iter().filter(|key| !is_known(key)).map(|key| key.times().validity.sign_from);
        new.into_iter().any(|from| Some(from) != edition.made_at && !self.terms.is_noticed(from, self.now))
    }

    async fn try_keys(&self, edition: &Edition<K>) -> Result<(), Fault> {
        for key in &edition.keys {
            let alg = key.times().alg;
            let mut same = edition.keys.iter().map(RotatingKey::times).filter(|times| times.alg == alg);
            if !same.any(|times| times.validity.signs(self.now)) {
                return Err(RotationError::NoSigner.into());
            }
        }
        let unsound = |kid: String| Err(RotationError::Unsound(kid).into());
        if let Some(key) = edition.keys.iter().find(|key| !key.is_sound()) {
            return unsound(key.times().kid);
        }
        let Some(wanted) = K::published(&Ring { keys: edition.keys.clone() })? else { return Ok(()) };
        let stages = self.public.stages().await?;
        let found = match stages.current() {
            Some(version) => self.public.read::<PublicKey>(version).await?,
            None => None,
        };
        let found = found.map(|edition| edition.keys).unwrap_or_default();
        match wanted.keys.iter().find(|key| !found.iter().any(|found| found.jwk == key.jwk)) {
            Some(missing) => unsound(missing.kid().to_owned()),
            None => Ok(()),
        }
    }

    /// Which public keys there are, asked before anything is decided on.
    async fn published(&self) -> Result<Stages, Fault> {
        if self.ring == RingName::Signing { Ok(self.public.stages().await?) } else { Ok(Stages::default()) }
    }

    /// The public keys of the version and of the ring that it follows: either may be signing.
    async fn publish_ahead(&self, pending: &Pending<K>, published: &Stages) -> Result<(), Fault> {
        let Some(mut ahead) = K::published(&Ring { keys: pending.edition.keys.clone() })? else { return Ok(()) };
        let before = pending.current.as_ref().map(|edition| edition.keys.clone()).unwrap_or_default();
        for key in K::published(&Ring { keys: before })?.into_iter().flat_map(|ring| ring.keys) {
            if key.validity.is_published(self.now) && !ahead.keys.iter().any(|known| known.kid() == key.kid()) {
                ahead.keys.push(key);
            }
        }
        self.publish(ahead, published).await
    }

    /// The public keys of a version and no others.
    async fn publish_alone(&self, edition: &Edition<K>, published: &Stages) -> Result<(), Fault> {
        match K::published(&Ring { keys: edition.keys.clone() })? {
            Some(exact) => self.publish(exact, published).await,
            None => Ok(()),
        }
    }

    /// Replaces the public keys, if they are still what was found.
    async fn publish(&self, ring: Ring<PublicKey>, found: &Stages) -> Result<(), Fault> {
        let edition = Edition { made_at: None, follows: None, retired: Vec::new(), keys: ring.keys };
        let text = serde_json::to_vec(&edition).unwrap_or_default();
        // Named by its content, so that publishing again is publishing nothing.
        let version = hex(digest(&SHA256, &text).as_ref());
        if found.is_current(&version) {
            return Ok(());
        }
        self.public.put(&version, &edition).await?;
        Ok(self.public.promote(found.current(), &version).await?)
    }

    /// Publishes what is in use and nothing else, and records what was done. A repetition changes nothing.
    async fn settle(&self, token: &str) -> Result<(), Fault> {
        let published = self.published().await?;
        let stages = self.versions.stages().await?;
        let Some(edition) = self.edition(stages.current().filter(|_| stages.is_current(token))).await? else {
            return Ok(());
        };
        self.publish_alone(&edition, &published).await?;
        // A ring that came from elsewhere was not made by a rotation.
        let Some(made_at) = edition.made_at else { return Ok(()) };
        Ok(self.app.store.record(&self.line(token, &edition, made_at)?).await?)
    }

    /// The audit line (PL-03). It has the same id every time, so that it is written once.
    fn line(&self, token: &str, edition: &Edition<K>, made_at: Timestamp) -> Result<AuditEntry, Fault> {
        let context = RequestContext {
            now: made_at,
            origin: Origin::new(None, None),
            language: Language::default(),
            request_id: token.to_owned(),
        };
        let action = if edition.retired.is_empty() { AuditAction::KeysRotated } else { AuditAction::KeyRetired };
        let name = digest(&SHA256, format!("{}#{token}", self.ring.name()).as_bytes());
        let random = name.as_ref().first_chunk().copied().map_or(0, u128::from_be_bytes);
        let new = edition.keys.iter().map(RotatingKey::times).filter(|key| key.validity.sign_from >= made_at);
        let new: Vec<String> =
            new.map(|key| format!("{} signs from {}", key.kid, key.validity.sign_from.rfc3339())).collect();
        let retired = edition.retired.iter().map(|kid| format!("{kid} retired"));
        let detail: Vec<String> = retired.chain(new).collect();
        Ok(AuditEntry {
            id: AuditId::new(made_at, random),
            detail: Some(format!("{}: {}", self.ring.name(), detail.join(", "))),
            ..self.app.audit(&context, Subject::Stage, action, None)?
        })
    }
}
