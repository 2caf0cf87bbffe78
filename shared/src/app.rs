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
use crate::config::Config;
use crate::crypto::password_hasher::{HashError, PasswordHasher};
use crate::entropy::Entropy;
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
    verifier.require_scopes(config.authorizer.required_scopes.clone()).map(Some)
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
        Ok(Self { config, parts: Arc::new(parts) })
    }

    /// The same App under another configuration.
    #[must_use]
    pub fn with(&self, config: Config) -> Self {
        Self { config, parts: Arc::clone(&self.parts) }
    }
}
