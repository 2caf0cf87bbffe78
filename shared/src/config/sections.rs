//! The sections of the configuration.

use ipnet::IpNet;
use serde::Deserialize;

use crate::crypto::key_ring::SigningAlgorithm;
use crate::domain::attempts::{FailureLimit, WindowLimit};

/// The service itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Service {
    pub name: String,
}

/// The HTTP edge.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Http {
    pub port: u16,
    pub bind: Vec<std::net::IpAddr>,
    pub request_deadline_ms: u64,
    pub allowed_origins: Vec<String>,
    pub trusted_proxies: Vec<IpNet>,
}

/// Logs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Human,
}

/// Calls to AWS.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Aws {
    pub attempt_timeout_ms: u64,
    pub operation_timeout_ms: u64,
    pub max_attempts: u32,
}

/// The table.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Store {
    pub table: String,
    pub audit_table: String,
    pub audit_retention_days: u32,
}

/// Keys and peppers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Secrets {
    pub file: Option<std::path::PathBuf>,
    pub prefix: Option<String>,
    pub cache_seconds: u64,
}

/// The embedded store of a laptop (PL-06).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Embedded {
    pub folder: Option<std::path::PathBuf>,
}

/// Accounts.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Accounts {
    pub require_verified_email: bool,
    pub accept_unverified_email_enumeration: bool,
    pub verification_seconds: u64,
    pub reset_seconds: u64,
    pub email_code_seconds: u64,
    pub email_change_seconds: u64,
    pub email_undo_seconds: u64,
    pub deletion_grace_seconds: u64,
    pub fresh_seconds: u64,
}

/// Asking whether a password is known from a breach (PW-05).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct BreachCheck {
    pub range_url: Option<String>,
    pub timeout_ms: u64,
}

/// Mail and events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Mail {
    pub sender: String,
    pub queue_url: Option<String>,
    pub event_bus: Option<String>,
}

/// Access tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Tokens {
    pub issuer: String,
    pub audience: String,
    pub client_id: String,
    pub scope: String,
    pub algorithm: SigningAlgorithm,
    pub access_seconds: u64,
}

/// The Lambda authorizer of customers' own APIs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Authorizer {
    pub audience: Option<String>,
    pub required_scopes: Vec<String>,
    pub check_live_session: bool,
    pub response: AuthorizerResponse,
}

/// How the authorizer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizerResponse {
    /// `isAuthorized`.
    Simple,
    /// A policy for the route.
    Iam,
}

/// Limits on guessing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config/default.toml describes each key")]
pub struct Limits {
    pub login_account: FailureLimit,
    pub login_source: WindowLimit,
    pub register_address: WindowLimit,
    pub register_source: WindowLimit,
    pub code_address: WindowLimit,
    pub mail_address: WindowLimit,
    pub mail_source: WindowLimit,
    pub mail_all: WindowLimit,
}
