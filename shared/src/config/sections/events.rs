//! Where events go without AWS.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

/// Where the standalone server's events go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Events {
    /// Who is told of each of them, by HTTP.
    pub webhook: Webhook,
}

/// Who is told of each event, as Standard Webhooks has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Webhook {
    /// Where events are posted. What answers with any other status than one of 2xx is told again. Without it, and without
    /// `mail.event_bus`, they are logged.
    pub url: Option<String>,
    /// The file with the secret that each message is signed with, `whsec_` and base64, read anew for each. Several, between
    /// spaces or lines, sign beside each other: so one takes over from another.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub secret_file: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that are believed instead of the public ones.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub ca_file: Option<PathBuf>,
    /// Networks in CIDR form, such as `"10.1.0.0/16"`, in which the receiver may be although they are not public (SA-12).
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub allowed_networks: Vec<IpNet>,
    /// How long the receiver has for its answer, connecting included.
    pub timeout_ms: u64,
}
