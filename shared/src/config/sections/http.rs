//! What listens: the API, and beside it the operators' port of the standalone server.

use ipnet::IpNet;
use serde::Deserialize;

use crate::config::EdgeDigest;

/// The standalone server's, but for `request_deadline_ms`, `allowed_origins`, `edge_digests` and `edge_only`, which hold everywhere.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Http {
    /// Where it listens.
    pub port: u16,
    /// On which addresses. An address that the machine does not have is skipped with a warning; at least one has to
    /// exist. Loopback only where `embedded.folder` is set.
    pub bind: Vec<std::net::IpAddr>,
    /// A request that is not answered by then gets 503 and `Retry-After`. On Lambda what is left of the function's
    /// timeout holds if it is less.
    pub request_deadline_ms: u64,
    /// Origins whose pages may call the API, exactly as browsers send them: scheme and host, no path, no wildcard. On
    /// AWS the stacks have it as `AllowedOrigins`.
    pub allowed_origins: Vec<String>,
    /// How many connections may be open. One over that waits until the connection that has been quiet for longest is
    /// closed (SA-05). The start is refused if the process may not have 256 file descriptors more than that.
    pub max_connections: usize,
    /// How many requests may be answered at the same time. The next one gets 503 and `Retry-After` before its body is
    /// read (SA-05).
    pub max_in_flight: usize,
    /// How long a client may take over a request's head, from its first byte.
    pub head_ms: u64,
    /// How long a connection may be quiet between requests. Longer than the proxy's own, or it meets our close.
    pub idle_ms: u64,
    /// How long a client may take to read its answer.
    pub response_ms: u64,
    /// How long everything is served on after SIGTERM, while `/ready` answers 503 and each answer ends its connection:
    /// longer than whoever sends requests here takes to notice (SA-03).
    pub notice_ms: u64,
    /// How long requests that are answered then have to finish (SA-03).
    pub drain_ms: u64,
    /// Networks in CIDR form, such as `"10.0.0.0/8"`, whose `X-Forwarded-For` is believed (SE-09).
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub trusted_proxies: Vec<IpNet>,
    /// SHA-256, in hexadecimal digits, of the secrets that the edge may show as `x-wardgate-edge`; none where there is no
    /// edge. What shows another one, or none, is refused (ED-01). The client's address is then `x-wardgate-viewer-address`
    /// (ED-02). The edge stack makes the secret, and `make deploy` sets this.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub edge_digests: Vec<EdgeDigest>,
    /// Whether what shows no secret of the edge is refused. `false` while a service moves behind its edge and clients come by
    /// both ways. Without `edge_digests` nothing is refused.
    pub edge_only: bool,
}

/// The standalone server's second port, for operators: `/live`, `/ready` and `/metrics`. In stage development on a
/// loopback `http.bind` there is none, and `/metrics` is beside the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ops {
    /// Where it listens.
    pub port: u16,
    /// How long a start waits for a store or keys that are not there yet, before it gives up (SA-01).
    pub start_ms: u64,
    /// On which addresses: such as only the ones that scrape it and probe it can reach.
    pub bind: Vec<std::net::IpAddr>,
}
