//! The brand, which only what shows pages reads: its files lie apart, so that no other function has a logo in it, and its rules
//! are not among those of a start, which every function links.

use serde::Deserialize as _;

use super::layers::Layers;
use super::{Brand, Config, ConfigError, Setting, Stage};
use crate::domain::brand::{Palettes, check_logo};

/// How many KiB a logo may have.
const MOST_KIB: usize = 32;

const DEFAULT: &str = include_str!(concat!(env!("OUT_DIR"), "/default-brand.json"));

impl Stage {
    /// The brand of [`Self::file`].
    pub(super) const fn brand_file(self) -> (&'static str, &'static str) {
        match self {
            Self::Development => {
                ("config/development.toml", include_str!(concat!(env!("OUT_DIR"), "/development-brand.json")))
            }
            Self::Staging => ("config/staging.toml", include_str!(concat!(env!("OUT_DIR"), "/staging-brand.json"))),
            Self::Production => {
                ("config/production.toml", include_str!(concat!(env!("OUT_DIR"), "/production-brand.json")))
            }
        }
    }
}

impl Config {
    /// As [`Self::load`], for what shows pages.
    pub fn load_with_brand(variables: impl IntoIterator<Item = (String, String)>) -> Result<Self, ConfigError> {
        let config = Self::load(variables)?;
        config.check_brand()?;
        Ok(config)
    }

    /// What pages look like.
    pub fn brand(&self) -> Result<Brand, ConfigError> {
        read(&self.brand_layers()?)
    }

    /// Holds the brand to its rules: a start with colours that nobody could read is refused.
    pub fn check_brand(&self) -> Result<(), ConfigError> {
        check(&self.brand_layers()?)
    }

    /// What holds, key by key, the brand among it.
    pub(super) fn all_settings(&self) -> Vec<Setting> {
        let mut settings = self.layers.settings();
        settings.extend(self.brand_layers().map(|layers| layers.settings()).unwrap_or_default());
        settings.sort_by(|one, other| one.key.cmp(&other.key));
        settings
    }

    fn brand_layers(&self) -> Result<Layers, ConfigError> {
        let mut layers = Layers::default();
        layers.add_file("config/default.toml", DEFAULT)?;
        let (file, text) = self.stage.brand_file();
        layers.add_file(file, text)?;
        layers.add_apart(&self.layers)?;
        Ok(layers)
    }
}

fn check(layers: &Layers) -> Result<(), ConfigError> {
    let brand = read(layers)?;
    let wrong = |key: &str, expected: String| ConfigError::WrongValue {
        key: format!("brand.{key}"),
        source_name: layers.sources().of(&format!("brand.{key}")),
        expected: format!("expected {expected}"),
    };
    if let Some(logo) = &brand.logo {
        check_logo(logo, MOST_KIB).map_err(|why| wrong("logo", why.to_string()))?;
    }
    let pages = Palettes::default();
    for (scheme, colours, page) in [("light", &brand.light, pages.light), ("dark", &brand.dark, pages.dark)] {
        let key = |name: &str| format!("{scheme}.{name}");
        let own = colours.own().map_err(|(name, why)| wrong(&key(name), why.to_string()))?;
        if let Some(fault) = page.with(&own).unreadable().and_then(|pair| own.fault(pair)) {
            let mut expected = fault.expected;
            // Which of the two is to be another only the person knows who set them.
            if let Some(other) = fault.other {
                let other = format!("brand.{}", key(other));
                expected = format!("{expected}; `{other}` is from {}", layers.sources().of(&other));
            }
            return Err(wrong(&key(fault.colour), expected));
        }
    }
    Ok(())
}

fn read(layers: &Layers) -> Result<Brand, ConfigError> {
    typed(layers).map_err(|message| {
        mistake(layers).unwrap_or(ConfigError::File { source_name: "the configuration".to_owned(), message })
    })
}

fn typed(layers: &Layers) -> Result<Brand, String> {
    layers.value("brand").map_or_else(|| Ok(Brand::default()), Brand::deserialize).map_err(|error| error.to_string())
}

/// The first key that is none, or whose value is no text: serde does not say which, so each is read alone (decision 10).
fn mistake(layers: &Layers) -> Option<ConfigError> {
    layers.values().find_map(|(key, source, _)| {
        let message = typed(&layers.alone(key)?).err()?;
        let expected = message.rsplit_once("expected ").map_or("nothing here", |(_, expected)| expected);
        let (key, source_name) = (key.to_owned(), source.to_owned());
        Some(if message.starts_with("unknown field") {
            ConfigError::UnknownKey { key, source_name, expected: expected.to_owned() }
        } else if expected.starts_with("struct ") {
            ConfigError::WrongValue { key, source_name, expected: "expected a section of keys".to_owned() }
        } else {
            ConfigError::WrongValue { key, source_name, expected: format!("expected {expected}") }
        })
    })
}

#[cfg(test)]
mod tests;
