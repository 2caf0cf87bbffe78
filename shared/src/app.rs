//! The composition root: the only place that puts the parts together.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use wardgate_verify::provider::{self, Installed};
use wardgate_verify::{Verifier, VerifierError};

use crate::aws::Connection;
use crate::breach::BreachCheck;
use crate::clock::Clock;
use crate::config::{Config, Role};
use crate::crypto::password_hasher::{HashError, PasswordHasher};
use crate::domain::oauth::grant::Grant;
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::domain::writer::{StandsBy, Writer};
use crate::entropy::Entropy;
use crate::fault::Fault;
use crate::secrets::{RingName, SecretSource, Secrets};
use crate::store::{Store, client};

/// What a function needs from outside.
#[derive(Clone, Copy)]
pub struct Needs {
    /// The key rings it reads.
    pub rings: &'static [RingName],
    /// Whether it uses the table.
    pub table: bool,
}

/// Everything that use cases need. A request has one from its beginning to its end, so that what operators set meanwhile
/// does not change under it.
#[derive(Clone)]
pub struct App {
    /// What is configured.
    pub config: Config,
    /// Which region writes, as far as this process has heard; `None` in a stage of one region.
    pub writer: Option<Writer>,
    parts: Arc<Parts>,
}

/// What an [`App`] has beside its configuration. Built once per process.
pub struct Parts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws random bits.
    pub entropy: Arc<dyn Entropy>,
    /// The table.
    pub store: Store,
    /// The key rings.
    pub secrets: Secrets,
    /// Hashes passwords.
    pub hasher: PasswordHasher,
    /// Asks whether a password is known from a breach.
    pub breaches: BreachCheck,
    /// Verifies access tokens for our own API.
    pub verifier: Verifier,
    /// Verifies access tokens for the customer's API that the authorizer guards, if it guards one.
    pub authorizer: Option<Verifier>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

/// What a host has to bring along.
pub struct Host {
    /// How to reach the table.
    pub connection: Connection,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// How many passwords may be hashed at a time (PW-08).
    pub hashing_slots: usize,
}

/// Why the parts do not fit together.
#[derive(Debug, Error)]
pub enum AppError {
    /// The hashing parameters are not Argon2's.
    #[error("hashing: {0}")]
    Hashing(#[from] HashError),
    /// Something in this process has chosen how `jsonwebtoken` signs before us.
    #[error("another crypto provider for jsonwebtoken is installed in this process")]
    ForeignCryptoProvider,
    /// The issuer or the audience cannot be verified against.
    #[error("tokens: {0}")]
    Tokens(#[from] VerifierError),
}

fn customers_verifier(config: &Config) -> Result<Option<Verifier>, VerifierError> {
    let Some(audience) = &config.authorizer.audience else { return Ok(None) };
    let verifier = Verifier::new(config.tokens.issuer.clone(), [audience.clone()])?;
    let verifier = verifier.require_scopes(config.authorizer.required_scopes.clone())?;
    verifier.require_acr(config.authorizer.required_acr.accepted().iter().copied()).map(Some)
}

impl App {
    /// Puts the parts together.
    pub fn new(config: Config, host: Host) -> Result<Self, AppError> {
        if provider::install() != Installed::Ours {
            return Err(AppError::ForeignCryptoProvider);
        }
        let table = |name: &str| format!("{name}-{}", config.stage.name());
        let store = Store::new(
            client::on_first_use(host.connection.clone(), config.aws),
            table(&config.store.table),
            table(&config.store.audit_table),
            config.store.audit_retention_days,
        );
        let source = SecretSource::new(&config, host.connection);
        let parts = Parts {
            secrets: Secrets::new(source, Duration::from_secs(config.secrets.cache_seconds)),
            hasher: PasswordHasher::new(&config.hashing, host.hashing_slots)?,
            breaches: BreachCheck::default(),
            verifier: Verifier::new(config.tokens.issuer.clone(), [config.tokens.audience.clone()])?,
            authorizer: customers_verifier(&config)?,
            store,
            clock: host.clock,
            entropy: host.entropy,
        };
        Ok(Self { config, writer: None, parts: Arc::new(parts) })
    }

    /// The same App under another configuration.
    #[must_use]
    pub fn with(&self, config: Config) -> Self {
        Self { config, writer: self.writer.clone(), parts: Arc::clone(&self.parts) }
    }

    /// Refuses in a region that stands by (ED-17). Reads nothing.
    pub fn writes(&self) -> Result<(), StandsBy> {
        self.writes_under(self.writer.as_ref())
    }

    /// As [`Self::writes`], by what the table says now: for what no request asks for, which nobody could send elsewhere.
    /// Reads nothing in a stage of one region. Gives the region that writes, which is then this one.
    pub async fn writes_now(&self) -> Result<Option<Writer>, Fault> {
        // Told to, whatever the table says: the table is for a region that nobody could tell.
        self.writes_under(None)?;
        if self.config.region.name.is_none() {
            return Ok(None);
        }
        // On the heap: few stages have a second region, and every worker would have it on the stack.
        let writer = Box::pin(self.store.writer()).await?;
        self.writes_under(writer.as_ref())?;
        Ok(writer)
    }

    fn writes_under(&self, writer: Option<&Writer>) -> Result<(), StandsBy> {
        let region = &self.config.region;
        let is_anothers = writer.is_some_and(|writer| region.name.as_ref().is_some_and(|name| *name != writer.region));
        if region.role == Role::Standby || is_anothers { Err(StandsBy) } else { Ok(()) }
    }

    /// Whether an account lets a session live, and the last change of the region that writes did, too.
    pub fn admits(&self, user: &User, session: &Session) -> bool {
        user.admits(session) && self.writer.as_ref().is_none_or(|writer| writer.keeps(session))
    }

    /// Whether a grant with `offline_access` lives where its session does not: it is not over, and nothing that ends all
    /// sessions of the account came after it (OC-41).
    pub fn admits_offline(&self, user: &User, grant: &Grant, now: Timestamp) -> bool {
        let is_admitted = !grant.is_over(now) && user.admits_offline(grant);
        is_admitted && self.writer.as_ref().is_none_or(|writer| writer.keeps_from(grant.created_at))
    }
}
