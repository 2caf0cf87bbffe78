//! The sections of the configuration. What a key means stands here: the reference in
//! `docs/operations/configuration.md` is made from it.

use ipnet::IpNet;
use serde::Deserialize;

use crate::crypto::key_ring::SigningAlgorithm;
use crate::domain::attempts::{FailureLimit, WindowLimit};

/// The service itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Service {
    /// Shown to people, and refused inside passwords (PW-05).
    pub name: String,
}

/// The standalone server's, but for `request_deadline_ms` and `allowed_origins`, which hold everywhere.
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
    /// AWS the template gives the same list to API Gateway.
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
}

/// The standalone server's second port, for operators: `/live`, `/ready` and `/metrics`. In stage development on a
/// loopback `http.bind` there is none, and `/metrics` is beside the API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Ops {
    /// Where it listens.
    pub port: u16,
    /// On which addresses: such as only the ones that scrape it and probe it can reach.
    pub bind: Vec<std::net::IpAddr>,
}

/// Logs. Lines go to standard error.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// Also by module: `info,wardgate=debug`. Below `info` only Wardgate's own lines are logged, whatever is asked for:
    /// other libraries log headers and bodies there (PL-02).
    pub level: String,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For a terminal.
    Human,
}

/// Calls to AWS's services, such as DynamoDB and Secrets Manager.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Aws {
    /// One try, and one attempt to connect.
    pub attempt_timeout_ms: u64,
    /// All tries of one call together.
    pub operation_timeout_ms: u64,
    /// How often at most. Conflicts, throttling and timeouts are tried again, with jitter.
    pub max_attempts: u32,
}

/// The tables.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Store {
    /// The table's name. The stage is appended: `wardgate-production`.
    pub table: String,
    /// The audit table's name, to which the stage is appended as well.
    pub audit_table: String,
    /// How long an audit line is kept (PL-03).
    pub audit_retention_days: u32,
}

/// Where key rings come from: one of `file` and `prefix`. With neither, whatever needs a key answers 503.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Secrets {
    /// The path of [the key file](#key-rings).
    pub file: Option<std::path::PathBuf>,
    /// Keys from Secrets Manager: the secret of a ring is named by this and the ring, `wardgate/production/signing`.
    pub prefix: Option<String>,
    /// A key ring older than this is read again behind a request; at twice this age a request waits for it. While the
    /// source is down the old one serves for an hour, and what wraps passwords for 24 (TK-04).
    pub cache_seconds: u64,
}

/// The embedded store of a laptop (PL-06).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Embedded {
    /// The path of a folder: the standalone server brings its own store, keys and demo user, and keeps them here.
    /// Needs the cargo feature `dev` and a loopback `http.bind`. `make run` sets `.wardgate`. Without `secrets.file`,
    /// the key file is `secrets.json` in it.
    pub folder: Option<std::path::PathBuf>,
}

/// Accounts, and how long what is mailed works.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Accounts {
    /// Whether an account exists only once its address is verified (EN-04).
    pub require_verified_email: bool,
    /// Accepts that registering tells which addresses have an account.
    pub accept_unverified_email_enumeration: bool,
    /// How long a registration waits for its verification.
    pub verification_seconds: u64,
    /// How long a reset link works.
    pub reset_seconds: u64,
    /// How long a mailed sign-in code works.
    pub email_code_seconds: u64,
    /// How long the link to a new address works.
    pub email_change_seconds: u64,
    /// How long a change of address can be undone (OT-12).
    pub email_undo_seconds: u64,
    /// How long a deleted account can still be kept; then it is erased.
    pub deletion_grace_seconds: u64,
    /// How recent a sign-in has to be for changing address or password, an export, and a deletion.
    pub fresh_seconds: u64,
}

/// Asking whether a password is known from a breach (PW-05).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BreachCheck {
    /// A service of the Pwned Passwords range protocol, asked whether a new password is known from a breach. Five hex
    /// digits of its SHA-1 are appended and go out, nothing else. Without it nobody is asked.
    pub range_url: Option<String>,
    /// A service that takes longer, or is down, is skipped and counted (`wardgate_breach_checks_total`): it never
    /// blocks.
    pub timeout_ms: u64,
}

/// Mail and events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mail {
    /// Who mails come from: verified with SES in each stage's account.
    pub sender: String,
    /// The queue that `events` puts orders for mails into. The stack sets it.
    pub queue_url: Option<String>,
    /// The bus on which `events` publishes. The stack sets it.
    pub event_bus: Option<String>,
}

/// Access tokens. `{port}` in `issuer` and `audience` stands for `http.port`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Tokens {
    /// `iss` of every token, and the start of `jwks_uri`.
    pub issuer: String,
    /// `aud` of first-party access tokens.
    pub audience: String,
    /// `client_id` of first-party access tokens.
    pub client_id: String,
    /// `scope` of first-party access tokens.
    pub scope: String,
    /// What access tokens are signed with. API Gateway's own authorizer takes no other than `RS256`.
    pub algorithm: SigningAlgorithm,
    /// How long an access token lives.
    pub access_seconds: u64,
}

/// The `authorizer` function, which guards a customer's own HTTP API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Authorizer {
    /// The API that tokens must be for (TK-06). The function does not start without.
    pub audience: Option<String>,
    /// Scopes that a token must have, all of them.
    pub required_scopes: Vec<String>,
    /// Whether each request asks the table if the session still lives: two reads, and signing out is immediate.
    pub check_live_session: bool,
    /// As the API's authorizer is set up.
    pub response: AuthorizerResponse,
}

/// How the authorizer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum AuthorizerResponse {
    /// `isAuthorized`.
    Simple,
    /// A policy for the route.
    Iam,
}

/// Limits on guessing, on registering and on mails.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limits {
    /// Consecutive failures of one address (EN-02).
    pub login_account: FailureLimit,
    /// Sign-ins from one source, in fixed windows. A source is an IPv4 address or the /64 of an IPv6 address.
    pub login_source: WindowLimit,
    /// Registrations from one source, in fixed windows.
    pub register_source: WindowLimit,
    /// Registrations of one address, known or not, in fixed windows.
    pub register_address: WindowLimit,
    /// Codes tried for one address and kind, in fixed windows (OT-11).
    pub code_address: WindowLimit,
    /// Mails to one address, in fixed windows. What is over the limit is silently not sent (EN-03).
    pub mail_address: WindowLimit,
    /// Mails that one source asks for, in fixed windows. What is over the limit is silently not sent (EN-03).
    pub mail_source: WindowLimit,
    /// All mails together, in fixed windows. What is over the limit is silently not sent (EN-03).
    pub mail_all: WindowLimit,
}
