//! Which deployment this is.

use serde::Deserialize;

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

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Development, Self::Staging, Self::Production].into_iter().find(|stage| stage.name() == name)
    }

    pub(super) const fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::Development => {
                ("config/development.toml", include_str!(concat!(env!("OUT_DIR"), "/development.json")))
            }
            Self::Staging => ("config/staging.toml", include_str!(concat!(env!("OUT_DIR"), "/staging.json"))),
            Self::Production => ("config/production.toml", include_str!(concat!(env!("OUT_DIR"), "/production.json"))),
        }
    }
}
