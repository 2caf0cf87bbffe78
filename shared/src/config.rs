//! Configuration: `config/default.toml`, then `config/<stage>.toml`, then `AUTH__SECTION__KEY` (all embedded but the
//! last). A mistake stops start-up with the key, where it came from, and what was expected.

mod checks;
mod layers;
#[cfg(test)]
mod reference;
mod sections;

use serde::Deserialize;
use thiserror::Error;
use toml::Table;

use crate::crypto::password_hasher::HashingPolicy;
use crate::domain::session::SessionPolicy;
use checks::Rule;
use layers::{Layers, Sources};
pub use sections::*;

/// Which deployment this is. `AUTH__STAGE` selects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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

/// Everything that can be set. The reference in `docs/operations/configuration.md` is made from these types by a test,
/// and so nothing of it is in what is deployed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(missing_docs, reason = "each section's type says what it is about")]
pub struct Config {
    pub stage: Stage,
    pub service: Service,
    pub http: Http,
    pub ops: Ops,
    pub log: Log,
    pub aws: Aws,
    pub store: Store,
    pub secrets: Secrets,
    pub embedded: Embedded,
    pub accounts: Accounts,
    pub breach_check: BreachCheck,
    pub hashing: HashingPolicy,
    pub sessions: SessionPolicy,
    pub tokens: Tokens,
    pub authorizer: Authorizer,
    pub mail: Mail,
    pub limits: Limits,
}

/// Why start-up stops. The message is for the person who set the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// `AUTH__STAGE` is missing or not a stage.
    #[error("AUTH__STAGE must be development, staging or production")]
    Stage,
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

/// A key that is set, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key, dotted.
    pub key: String,
    /// The value as TOML; hidden if its key says that it is a secret.
    pub value: String,
    /// The file or variable that set it.
    pub source: String,
}

impl Config {
    /// Puts the layers together for the stage that `AUTH__STAGE` names. `variables` is the environment; only names
    /// that begin with `AUTH__` are read.
    pub fn load(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let layers = layered(variables)?;
        let limits = layers.section("limits");
        let (config, sources) = layers.into_config()?;
        config.checked(&sources, &limits)
    }

    /// What holds for those variables, key by key; keys that nothing sets are left out.
    pub fn settings(variables: impl IntoIterator<Item = (String, String)>) -> Result<Vec<Setting>, ConfigError> {
        let layers = layered(variables)?;
        let mut settings = layers.settings();
        let limits = layers.section("limits");
        let (config, sources) = layers.into_config()?;
        let config = config.checked(&sources, &limits)?;
        for (key, value) in [("tokens.issuer", config.tokens.issuer), ("tokens.audience", config.tokens.audience)] {
            if let Some(setting) = settings.iter_mut().find(|setting| setting.key == key) {
                setting.value = layers::text(&value.into());
            }
        }
        Ok(settings)
    }

    fn checked(mut self, sources: &Sources, limits: &Table) -> Result<Self, ConfigError> {
        let port = self.http.port.to_string();
        self.tokens.issuer = self.tokens.issuer.replace("{port}", &port);
        self.tokens.audience = self.tokens.audience.replace("{port}", &port);
        match checks::violation(&self, limits) {
            None => Ok(self),
            Some(Rule { key, expected, other, .. }) => Err(ConfigError::WrongValue {
                source_name: sources.of(&key),
                // Which of the two is wrong only the person knows who set them.
                expected: other.map_or_else(
                    || expected.to_owned(),
                    |other| format!("{expected}; `{other}` is from {}", sources.of(&other)),
                ),
                key: key.into_owned(),
            }),
        }
    }
}

fn layered(variables: impl IntoIterator<Item = (String, String)>) -> Result<Layers, ConfigError> {
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
    let stage = stage.as_deref().and_then(Stage::parse).ok_or(ConfigError::Stage)?;
    let (file, text) = stage.file();
    layers.add_file(file, text)?;
    // In a fixed order, so that the same mistake is always reported first.
    overrides.sort();
    for (key, variable, value) in overrides {
        layers.set(&key, &variable, &value)?;
    }
    layers.set("stage", "AUTH__STAGE", stage.name())?;
    Ok(layers)
}

#[cfg(test)]
mod tests;
