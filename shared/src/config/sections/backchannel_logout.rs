//! Telling applications that a session has ended.

use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;

/// Telling applications that a session has ended (OpenID Connect Back-Channel Logout 1.0), at the `backchannel_logout_uri` of
/// [each client](../clients.md).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BackchannelLogout {
    /// The queue that `events` puts whom to tell into. The stack sets it.
    pub queue_url: Option<String>,
    /// Certificates (PEM) of the authorities that are believed instead of the public ones.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub ca_file: Option<PathBuf>,
    /// Networks in CIDR form, such as `"10.1.0.0/16"`, in which applications may be although they are not public (OC-47).
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub allowed_networks: Vec<IpNet>,
    /// How long an application has for its answer, connecting included.
    pub timeout_ms: u64,
}
