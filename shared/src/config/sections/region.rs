//! Of which region a process is.

use serde::Deserialize;

/// The region, where a stage has a second one ([second region](second-region.md)).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Region {
    /// This region's name, `eu-central-1`. With it, a process follows what `make failover` has said about who writes. The
    /// stack sets it.
    pub name: Option<String>,
    /// What this region is until then. The stack sets it.
    pub role: Role,
}

/// What a region is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum Role {
    /// It does everything.
    Writer,
    /// It changes nothing, whoever asks: 503 `standby` (ED-17). Keys, discovery and health are served.
    Standby,
}
