//! The composition root: the only place that puts the parts together.

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
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::email::EmailKey;
use crate::domain::id::{AuditId, OneTimeId, SessionId, UserId};
use crate::domain::language::Language;
use crate::domain::one_time::{Mailing, Nonce, OneTime, Purpose};
use crate::domain::origin::Origin;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::entropy::{Entropy, NoEntropy};
use crate::http::endpoint::Needs;
use crate::secrets::{SecretSource, Secrets};
use crate::store::{Store, client};

/// How long a notice is kept for its mail to be sent: longer than any queue tries.
const NOTICE_LIFE: Duration = Duration::from_hours(14 * 24);

/// Everything that use cases need. Built once per process.
pub struct App {
    /// What is configured.
    pub config: Config,
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

/// One request, as far as use cases care.
#[derive(Debug, Clone)]
pub struct RequestContext {
    /// When it came in: one request has one time.
    pub now: Timestamp,
    /// Where it came from.
    pub origin: Origin,
    /// What its sender reads.
    pub language: Language,
    /// Its id in logs and in the audit trail.
    pub request_id: String,
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
        Ok(Self {
            secrets: Secrets::new(source, Duration::from_secs(config.secrets.cache_seconds)),
            hasher: PasswordHasher::new(&config.hashing, host.hashing_slots)?,
            breaches: BreachCheck::default(),
            verifier: Verifier::new(config.tokens.issuer.clone(), [config.tokens.audience.clone()])?,
            authorizer: customers_verifier(&config)?,
            store,
            clock: host.clock,
            entropy: host.entropy,
            config,
        })
    }

    /// Fetches what an endpoint needs while a cold start waits for nothing else: its rings, and a connection to the
    /// table. What fails is left for the first request to meet.
    pub async fn prefetch(&self, needs: Needs) {
        let now = self.clock.now();
        let rings = futures::future::join_all(needs.rings.iter().map(|ring| self.secrets.prefetch(*ring, now)));
        let table = async {
            if needs.table
                && let Err(cause) = self.store.ping().await
            {
                tracing::warn!(%cause, "could not reach the table ahead");
            }
        };
        futures::join!(rings, table);
    }

    /// The mail that this request asks for.
    pub fn mailing(&self, context: &RequestContext) -> Result<Mailing, NoEntropy> {
        Ok(Mailing {
            nonce: Nonce::new(self.entropy.bytes()?),
            language: context.language,
            source: context.origin.source(),
            mac_kid: None,
            sent_at: None,
        })
    }

    /// An item that a mail is sent from. What else it needs is for the caller to fill in.
    pub fn one_time(
        &self,
        context: &RequestContext,
        purpose: Purpose,
        email_key: EmailKey,
        life: Duration,
    ) -> Result<OneTime, NoEntropy> {
        Ok(OneTime {
            id: OneTimeId::new(context.now, self.entropy.number()?),
            purpose,
            email_key,
            mailing: self.mailing(context)?,
            user_id: None,
            cred_version: None,
            recipient: None,
            address: None,
            user_agent: None,
            flow_hash: None,
            registration_id: None,
            undo_seconds: None,
            created_at: context.now,
            expires_at: context.now.plus(life),
            attempts: 0,
            used_at: None,
            used_by: None,
            session_id: None,
        })
    }

    /// An item whose mail tells an account's owner something, at the address that the account has now.
    pub fn notice(&self, context: &RequestContext, purpose: Purpose, user: &User) -> Result<OneTime, NoEntropy> {
        let item = self.one_time(context, purpose, user.email.key(), NOTICE_LIFE)?;
        Ok(OneTime { user_id: Some(user.id), recipient: Some(user.email.clone()), ..item })
    }

    /// An item whose mail tells an account's owner of the device that this request comes from, at the address that the
    /// account has by then.
    pub fn new_device_notice(
        &self,
        context: &RequestContext,
        user_id: UserId,
        email_key: EmailKey,
    ) -> Result<OneTime, NoEntropy> {
        Ok(OneTime {
            user_id: Some(user_id),
            address: context.origin.address.map(|address| address.to_string()),
            user_agent: context.origin.user_agent.clone(),
            ..self.one_time(context, Purpose::NewDevice, email_key, NOTICE_LIFE)?
        })
    }

    /// An item whose mail tells an account's owner that this request presented a refresh token that had been used, and
    /// that its session has ended.
    pub fn session_reused_notice(
        &self,
        context: &RequestContext,
        user_id: UserId,
        email_key: EmailKey,
    ) -> Result<OneTime, NoEntropy> {
        let notice = self.new_device_notice(context, user_id, email_key)?;
        Ok(OneTime { purpose: Purpose::SessionReused, ..notice })
    }

    /// A line of the audit trail about this request.
    pub fn audit(
        &self,
        context: &RequestContext,
        subject: Subject,
        action: AuditAction,
        session: Option<SessionId>,
    ) -> Result<AuditEntry, NoEntropy> {
        Ok(AuditEntry {
            id: AuditId::new(context.now, self.entropy.number()?),
            subject,
            action,
            session,
            at: context.now,
            address: context.origin.address.map(|address| address.to_string()),
            user_agent: context.origin.user_agent.clone(),
            holder: None,
            request_id: context.request_id.clone(),
            detail: None,
        })
    }
}
