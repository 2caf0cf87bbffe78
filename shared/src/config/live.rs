//! What operators set while the service runs (`make set`): limits, switches, lifetimes, the log's level. It is an item of
//! the table, which processes read when they start and again when they know it for half a minute.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Config, ConfigError};

/// How [`Setting::source`](super::Setting) calls it.
pub const SOURCE: &str = "make set";

/// What can be set: keys, and sections with all that is in them. The rest shapes a function when it is deployed, and is
/// set in `Settings` of `infra/<stage>/parameters.yaml`.
const LIVE: [&str; 8] = [
    "accounts.",
    "breach_check.",
    "limits.",
    "log.level",
    "service.",
    "sessions.",
    "switches.",
    "tokens.access_seconds",
];

impl Config {
    /// This configuration with what operators have set. Held to the same types and rules as all of it: what `make set`
    /// lets through is what a start would accept.
    pub fn with(&self, set: &Map<String, Value>) -> Result<Self, ConfigError> {
        let mut layers = (*self.layers).clone();
        for (key, value) in set {
            if !LIVE.iter().any(|live| key == live || live.ends_with('.') && key.starts_with(live)) {
                return Err(ConfigError::NotLive { key: key.clone() });
            }
            if value.is_object() {
                let expected = "expected a value, not further keys".to_owned();
                return Err(ConfigError::WrongValue { key: key.clone(), source_name: SOURCE.to_owned(), expected });
            }
            layers.set(key, SOURCE, value.clone())?;
        }
        let read = Self::read(layers)?;
        // What a host has put in its place since it was loaded stays: a laptop's key file.
        let mut config = self.clone();
        config.accounts = read.accounts;
        config.breach_check = read.breach_check;
        config.limits = read.limits;
        config.log.level = read.log.level;
        config.service = read.service;
        config.sessions = read.sessions;
        config.switches = read.switches;
        config.tokens.access_seconds = read.tokens.access_seconds;
        config.layers = Arc::clone(&read.layers);
        Ok(config)
    }
}

#[cfg(test)]
mod tests;
