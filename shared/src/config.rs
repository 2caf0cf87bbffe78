//! Configuration: `config/default.toml`, then `config/<stage>.toml` (both embedded), then the stage's settings
//! (`AUTH__SETTINGS`), then `AUTH__SECTION__KEY`, then what operators have set while it runs ([`live`]). A mistake stops
//! start-up with the key, where it came from, and what was expected.

mod brand;
mod checks;
mod edge_digest;
mod layers;
pub mod live;
#[cfg(test)]
mod reference;
mod sections;
mod stage;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::crypto::password_hasher::HashingPolicy;
use crate::domain::session::SessionPolicy;
use checks::Rule;
pub use edge_digest::{EdgeDigest, NoEdgeDigest};
use layers::{Layers, Sources};
pub use sections::*;
pub use stage::Stage;

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
    pub passkeys: Passkeys,
    pub authorizer: Authorizer,
    pub mail: Mail,
    pub edge: Edge,
    #[cfg(any(feature = "backchannel", feature = "sqs"))]
    pub backchannel_logout: BackchannelLogout,
    #[cfg(not(any(feature = "backchannel", feature = "sqs")))]
    #[expect(dead_code, reason = "named, or what stands there would be an unknown key")]
    backchannel_logout: sections::Unread,
    #[cfg(feature = "webhook")]
    pub events: Events,
    #[cfg(not(feature = "webhook"))]
    #[expect(dead_code, reason = "named, or what stands there would be an unknown key")]
    events: sections::Unread,
    pub jobs: Jobs,
    pub limits: Limits,
    pub switches: Switches,
    pub region: Region,
    /// What all of this was made of, to lay more over.
    #[serde(skip)]
    layers: Arc<Layers>,
}

/// Why start-up stops. The message is for the person who set the value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// `AUTH__STAGE` is missing or not a stage.
    #[error("AUTH__STAGE must be development, staging or production")]
    Stage,
    /// An embedded file is wrong.
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
    /// A key that a running service does not take.
    #[error(
        "`{key}` cannot be set while the service runs: put it into Settings of infra/<stage>/parameters.yaml, and deploy"
    )]
    NotLive {
        /// The key, dotted.
        key: String,
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

    /// The key that it is about, dotted.
    fn key(&self) -> Option<&str> {
        match self {
            Self::Stage | Self::File { .. } => None,
            Self::UnknownKey { key, .. }
            | Self::MissingKey { key, .. }
            | Self::NotLive { key }
            | Self::WrongValue { key, .. } => Some(key),
        }
    }
}

/// A key that is set, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The key, dotted.
    pub key: String,
    /// The value as JSON; hidden if its key says that it is a secret.
    pub value: String,
    /// The file or variable that set it.
    pub source: String,
}

impl Config {
    /// Puts the layers together for the stage that `AUTH__STAGE` names. `variables` is the environment; only names
    /// that begin with `AUTH__` are read.
    pub fn load(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        Self::read(layered(variables)?)
    }

    /// Every mistake, where [`Self::load_with_brand`] tells the first: for whoever mends them by hand. Each is mended as it
    /// says, and the rest is read again.
    pub fn mistakes(variables: impl IntoIterator<Item = (String, String)>) -> Vec<ConfigError> {
        let mut variables: BTreeMap<String, String> = variables.into_iter().collect();
        let mut mistakes: Vec<ConfigError> = Vec::new();
        while let Err(mistake) = Self::load_with_brand(variables.clone()) {
            let is_mended = match &mistake {
                ConfigError::Stage => {
                    variables.insert("AUTH__STAGE".to_owned(), "production".to_owned());
                    true
                }
                ConfigError::MissingKey { variable, .. } => {
                    variables.insert(variable.clone(), "https://missing.example".to_owned()).is_none()
                }
                ConfigError::UnknownKey { source_name, .. } | ConfigError::WrongValue { source_name, .. } => {
                    variables.remove(source_name).is_some()
                }
                ConfigError::File { .. } | ConfigError::NotLive { .. } => false,
            };
            // A key whose value was wrong is missing without it, which is the same mistake.
            if !mistakes.iter().any(|known| known.key().is_some() && known.key() == mistake.key()) {
                mistakes.push(mistake);
            }
            if !is_mended {
                break;
            }
        }
        mistakes
    }

    /// What holds, key by key; keys that nothing sets are left out.
    pub fn settings(&self) -> Vec<Setting> {
        let mut settings = self.all_settings();
        for (key, value) in [("tokens.issuer", &self.tokens.issuer), ("tokens.audience", &self.tokens.audience)] {
            if let Some(setting) = settings.iter_mut().find(|setting| setting.key == key) {
                setting.value = layers::text(&value.as_str().into());
            }
        }
        settings
    }

    /// The file or variable that set a key.
    #[cfg(feature = "backchannel")]
    pub(crate) fn source_of(&self, key: &str) -> String {
        self.layers.sources().of(key)
    }

    fn read(layers: Layers) -> Result<Self, ConfigError> {
        let config = layers.config()?.checked(layers.sources(), &layers.section("limits"))?;
        Ok(Self { layers: Arc::new(layers), ..config })
    }

    fn checked(mut self, sources: &Sources, limits: &Map<String, Value>) -> Result<Self, ConfigError> {
        let port = self.http.port.to_string();
        self.tokens.issuer = self.tokens.issuer.replace("{port}", &port);
        self.tokens.audience = self.tokens.audience.replace("{port}", &port);
        self.passkeys.complete(&self.tokens.issuer);
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

/// The variable with the stage's settings: a JSON object of dotted keys, the parameter `Settings` of the stacks.
const SETTINGS: &str = "AUTH__SETTINGS";

fn layered(variables: impl IntoIterator<Item = (String, String)>) -> Result<Layers, ConfigError> {
    let mut layers = Layers::default();
    layers.add_file("config/default.toml", include_str!(concat!(env!("OUT_DIR"), "/default.json")))?;
    let mut stage = None;
    let mut settings = None;
    let mut overrides = Vec::new();
    for (name, value) in variables {
        match name.strip_prefix("AUTH__") {
            Some("STAGE") => stage = Some(value),
            Some("SETTINGS") => settings = Some(value),
            Some(key) => overrides.push((key.to_ascii_lowercase().replace("__", "."), name, value)),
            None => {}
        }
    }
    let stage = stage.as_deref().and_then(Stage::parse).ok_or(ConfigError::Stage)?;
    let (file, text) = stage.file();
    layers.add_file(file, text)?;
    for (key, value) in settings.filter(|text| !text.is_empty()).map_or_else(|| Ok(Map::new()), |text| dotted(&text))? {
        layers.set(&key, SETTINGS, value)?;
    }
    // In a fixed order, so that the same mistake is always reported first.
    overrides.sort();
    for (key, variable, value) in overrides {
        layers.set_text(&key, &variable, &value)?;
    }
    layers.set("stage", "AUTH__STAGE", stage.name().into())?;
    Ok(layers)
}

fn dotted(text: &str) -> Result<Map<String, Value>, ConfigError> {
    let settings: Option<Map<String, Value>> = serde_json::from_str(text).ok();
    settings.filter(|settings| !settings.values().any(Value::is_object)).ok_or_else(|| ConfigError::WrongValue {
        key: "settings".to_owned(),
        source_name: SETTINGS.to_owned(),
        expected: "expected a JSON object of dotted keys, such as {\"limits.login_source.limit\": 200}".to_owned(),
    })
}

#[cfg(test)]
mod tests;
