//! What the standalone server does beside answering.

use serde::Deserialize;

/// What the standalone server does without being asked: it reads the tables' streams, sends mails and erases accounts, each
/// replica what no other does (SA-09). On AWS functions do.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Jobs {
    /// Whether it does. Of the replicas over one table some have to, or no mail goes out.
    pub enabled: bool,
}
