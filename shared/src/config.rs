//! Configuration: `config/default.toml`, then `config/<stage>.toml`, then `AUTH__SECTION__KEY` (all embedded but the
//! last). A mistake stops start-up with the key, where it came from, and what was expected.

mod checks;
mod layers;

use ipnet::IpNet;
use serde::Deserialize;
use thiserror::Error;

use crate::crypto::key_ring::SigningAlgorithm;
use crate::crypto::password_hasher::HashingPolicy;
use crate::domain::attempts::{FailureLimit, WindowLimit};
use crate::domain::session::SessionPolicy;
use layers::Layers;

/// Which deployment this is. `AUTH__STAGE` selects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// A laptop or a sandbox.
    Development,
    /// Like production, for rehearsal.
    Staging,
    /// The real thing.
    Production,
}

impl Stage {
    /// The stage's name in `AUTH__STAGE`, file names and table names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Development, Self::Staging, Self::Production].into_iter().find(|stage| stage.name() == name)
    }

    const fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Development => ("config/development.toml", include_str!("../../config/development.toml")),
            Self::Staging => ("config/staging.toml", include_str!("../../config/staging.toml")),
            Self::Production => ("config/production.toml", include_str!("../../config/production.toml")),
        }
    }
}

/// Everything that can be set. Each key is described in `config/default.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each section and key")]
pub struct Config {
    pub stage: Stage,
    pub service: Service,
    pub http: Http,
    pub log: Log,
    pub aws: Aws,
    pub store: Store,
    pub secrets: Secrets,
    pub embedded: Embedded,
    pub accounts: Accounts,
    pub hashing: HashingPolicy,
    pub sessions: SessionPolicy,
    pub tokens: Tokens,
    pub authorizer: Authorizer,
    pub limits: Limits,
}

/// The service itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Service {
    pub name: String,
}

/// The HTTP edge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Http {
    pub port: u16,
    pub bind: Vec<std::net::IpAddr>,
    pub request_deadline_ms: u64,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
}

/// Logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Human,
}

/// Calls to AWS.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Aws {
    pub attempt_timeout_ms: u64,
    pub operation_timeout_ms: u64,
    pub max_attempts: u32,
}

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Store {
    pub table: String,
    pub audit_table: String,
    pub audit_retention_days: u32,
}

/// Keys and peppers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Secrets {
    pub file: Option<std::path::PathBuf>,
    pub prefix: Option<String>,
    pub cache_seconds: u64,
}

/// The embedded store of a laptop (PL-06).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Embedded {
    pub folder: Option<std::path::PathBuf>,
}

/// Accounts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Accounts {
    pub require_verified_email: bool,
    pub accept_unverified_email_enumeration: bool,
    pub verification_seconds: u64,
}

/// Access tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Tokens {
    pub issuer: String,
    pub audience: String,
    pub client_id: String,
    pub scope: String,
    pub algorithm: SigningAlgorithm,
    pub access_seconds: u64,
}

/// The Lambda authorizer of customers' own APIs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Authorizer {
    pub audience: Option<String>,
    pub required_scopes: Vec<String>,
    pub check_live_session: bool,
    pub response: AuthorizerResponse,
}

/// How the authorizer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizerResponse {
    /// `isAuthorized`.
    Simple,
    /// A policy for the route.
    Iam,
}

/// Limits on guessing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Limits {
    pub login_account: FailureLimit,
    pub login_source: WindowLimit,
    pub register_address: WindowLimit,
    pub register_source: WindowLimit,
}

/// Why start-up stops. The message is for the person who set the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// `AUTH__STAGE` is missing or not a stage.
    #[error("AUTH__STAGE must be development, staging or production, not {0:?}")]
    Stage(String),
    /// An embedded file is not TOML.
    #[error("{source_name}: {message}")]
    File {
        /// Which file.
        source_name: String,
        /// What the parser says.
        message: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` from {source_name}: expected {expected}")]
    UnknownKey {
        /// The key, dotted.
        key: String,
        /// Where it was set.
        source_name: String,
        /// What could stand there.
        expected: String,
    },
    /// A key that nothing sets.
    #[error("missing key `{key}`: no file sets it for this stage; set {variable}")]
    MissingKey {
        /// The key, dotted.
        key: String,
        /// The variable that sets it.
        variable: String,
    },
    /// A value of the wrong type, or out of range.
    #[error("wrong value for key `{key}` from {source_name}: {expected}")]
    WrongValue {
        /// The key, dotted.
        key: String,
        /// Where it was set.
        source_name: String,
        /// What was expected.
        expected: String,
    },
}

impl ConfigError {
    /// A key that this process cannot do without, though others can.
    pub fn missing(key: &str) -> Self {
        let variable = format!("AUTH__{}", key.replace('.', "__").to_ascii_uppercase());
        Self::MissingKey { key: key.to_owned(), variable }
    }
}

impl Config {
    /// Puts the layers together for the stage that `AUTH__STAGE` names. `variables` is the environment; only names
    /// that begin with `AUTH__` are read.
    pub fn load(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let mut layers = Layers::default();
        layers.add_file("config/default.toml", include_str!("../../config/default.toml"))?;
        let mut stage = None;
        let mut overrides = Vec::new();
        for (name, value) in variables {
            match name.strip_prefix("AUTH__") {
                Some("STAGE") => stage = Some(value),
                Some(key) => overrides.push((key.to_ascii_lowercase().replace("__", "."), name, value)),
                None => {}
            }
        }
        let name = stage.unwrap_or_default();
        let stage = Stage::parse(&name).ok_or(ConfigError::Stage(name))?;
        let (file, text) = stage.file();
        layers.add_file(file, text)?;
        // In a fixed order, so that the same mistake is always reported first.
        overrides.sort();
        for (key, variable, value) in overrides {
            layers.set(&key, &variable, &value)?;
        }
        layers.set("stage", "AUTH__STAGE", stage.name())?;
        let (mut config, sources) = layers.into_config()?;
        let port = config.http.port.to_string();
        config.tokens.issuer = config.tokens.issuer.replace("{port}", &port);
        config.tokens.audience = config.tokens.audience.replace("{port}", &port);
        match checks::violation(&config) {
            None => Ok(config),
            Some((key, expected)) => Err(ConfigError::WrongValue {
                source_name: sources.of(key),
                key: key.to_owned(),
                expected: expected.to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
