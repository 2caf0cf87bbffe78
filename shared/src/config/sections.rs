//! The sections of the configuration. What a key means stands here: the reference in
//! `docs/operations/configuration.md` is made from it.

mod authorizer;
#[cfg(any(feature = "backchannel", feature = "sqs"))]
mod backchannel_logout;
mod brand;
mod edge;
#[cfg(feature = "webhook")]
mod events;
mod http;
mod jobs;
mod mail;
mod passkeys;
mod region;
#[cfg(not(feature = "smtp"))]
mod unread;

use std::time::Duration;

use serde::Deserialize;

use crate::crypto::key_ring::SigningAlgorithm;
use crate::domain::attempts::{FailureLimit, WindowLimit, WindowedFailureLimit};

pub use authorizer::{Authorizer, AuthorizerResponse, RequiredAcr};
#[cfg(any(feature = "backchannel", feature = "sqs"))]
pub use backchannel_logout::BackchannelLogout;
pub use brand::{Brand, BrandColours};
pub use edge::Edge;
#[cfg(feature = "webhook")]
pub use events::{Events, Webhook};
pub use http::{Http, Ops};
pub use jobs::Jobs;
pub use mail::{Mail, MailTransport};
#[cfg(feature = "smtp")]
pub use mail::{MailTls, Smtp};
pub use passkeys::Passkeys;
pub use region::{Region, Role};
#[cfg(not(feature = "smtp"))]
pub(super) use unread::Unread;

/// The service itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Service {
    /// Shown to people, and refused inside passwords (PW-05).
    pub name: String,
    /// Where the application is: pages and mails link to it by the service's name. Without it they say that the page
    /// can be closed.
    pub url: Option<String>,
    /// Where people get help: an email address or a web address, named on pages and in mails. Without it neither is.
    pub support: Option<String>,
}

impl Service {
    /// [`Service::support`] as a link.
    pub fn support_link(&self) -> Option<String> {
        let support = self.support.as_ref()?;
        Some(if support.contains("://") { support.clone() } else { format!("mailto:{support}") })
    }

    /// [`Service::support`], if it is an email address.
    pub fn support_address(&self) -> Option<&str> {
        self.support.as_deref().filter(|support| !support.contains("://"))
    }
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

/// Where key rings come from: one of `file`, `folder` and `prefix`. With none, whatever needs a key answers 503, and the
/// standalone server does not start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Secrets {
    /// The path of [the key file](#key-rings).
    pub file: Option<std::path::PathBuf>,
    /// The path of a folder with a file for each ring, named as the ring and read anew each time, as Kubernetes and Docker
    /// mount secrets. A file that everybody may read, or others than its owner may write, is refused.
    pub folder: Option<std::path::PathBuf>,
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
    /// The same where the change was asked for from a device that has been known for at least `email_undo_seconds`: an
    /// owner can so leave a mailbox that somebody else reads.
    pub email_undo_known_device_seconds: u64,
    /// What becomes of it when somebody says that all second factors are lost (MF-20).
    pub factor_loss: FactorLossPath,
    /// How long whoever says that all second factors are lost has to wait before they can be taken away (MF-20).
    pub factor_loss_delay_seconds: u64,
    /// For how many days a device can stand for the second factor once that was shown on it; 0 lets none (MF-23).
    pub remember_device_days: u64,
    /// How long a deleted account can still be kept; then it is erased.
    pub deletion_grace_seconds: u64,
    /// How recent a sign-in has to be for changing address or password, an export, and a deletion.
    pub fresh_seconds: u64,
}

/// The way of whoever has lost all second factors (MF-20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum FactorLossPath {
    /// A wait, of which the owner is told by mail, and then a link.
    MailAndDelay,
    /// An operator lets it be, by `make allow-recovery`; and then the link.
    Administrator,
}

impl Accounts {
    /// How long a device can stand for the second factor.
    pub fn remember_device(&self) -> Duration {
        Duration::from_secs(self.remember_device_days.saturating_mul(24 * 3600))
    }
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

/// Limits on guessing, on registering and on mails.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Limits {
    /// Passwords of one address tried from one source and from no known device, in fixed windows (EN-02). A completed
    /// sign-in gives its own attempt back.
    pub login_pair: WindowedFailureLimit,
    /// Passwords of one address tried from no known device, in fixed windows. A completed sign-in gives its own attempt
    /// back.
    pub login_account: WindowLimit,
    /// Passwords tried from one known device since its last completed sign-in; one that has none left counts as unknown.
    pub login_device: FailureLimit,
    /// Passwords asked of one signed-in user, in fixed windows. A right one gives its attempt back.
    pub password_user: WindowedFailureLimit,
    /// Codes of one user's app, and recovery codes of one user, in fixed windows, each kind apart. A right one gives its
    /// attempt back (MF-04).
    pub second_factor: WindowedFailureLimit,
    /// Mails to one user that somebody on an unknown device has shown the first factor and not the second, in fixed windows.
    pub second_factor_notice: WindowLimit,
    /// Sign-ins from one source, in fixed windows. A source is an IPv4 address or the /64 of an IPv6 address.
    pub login_source: WindowLimit,
    /// Registrations from one source, in fixed windows.
    pub register_source: WindowLimit,
    /// Registrations of one address, known or not, in fixed windows.
    pub register_address: WindowLimit,
    /// Orders of mails from one source, registrations among them, in fixed windows. What is over this limit or one of the
    /// next five is silently not taken (EN-03), but for registrations, which are refused.
    pub mail_source: WindowLimit,
    /// Orders of mails to one address from one source, each kind of mail apart, in fixed windows.
    pub mail_pair: WindowLimit,
    /// Orders of mails to one address, each kind of mail apart, in fixed windows. Registrations have `register_address`.
    pub mail_address: WindowLimit,
    /// In place of `mail_pair` for resets. Its window is that of `reset_address`.
    pub reset_pair: WindowLimit,
    /// In place of `mail_address` for resets. Its window is no longer than a reset link lives
    /// (`accounts.reset_seconds`): either a mail goes out, or a link of the same window works.
    pub reset_address: WindowLimit,
    /// Orders of codes and resets from a known device, each kind apart, in fixed windows: in place of the limits of pair and
    /// address, which hold once this one is reached.
    pub mail_device: WindowLimit,
    /// Mails that tell an owner of a change, each kind apart, in fixed windows. What is over the limit is silently not sent.
    pub notice_address: WindowLimit,
    /// Mails that tell an owner that somebody tried to register the address, in fixed windows. What is over the limit is
    /// silently not sent.
    pub register_notice: WindowLimit,
    /// All mails together but notices of changes, in fixed windows. What is over the limit is silently not sent (EN-03).
    pub mail_all: WindowLimit,
    /// How many of `mail_all` only resets get.
    pub mail_all_kept_for_resets: u32,
}

/// What can be switched off, in an incident above all: `make set`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "a switch is on or off, and each for itself")]
pub struct Switches {
    /// Whether people can register. What is mailed already still works.
    pub sign_up: bool,
    /// Whether people can sign in by a mailed code. Codes that are mailed already still work.
    pub email_codes: bool,
    /// Whether everything that would change something is refused with 503 and `Retry-After`: signing in and refreshing,
    /// too. Access tokens are verified as before, and what no request asks for goes on: mails, erasures, rotation.
    pub read_only: bool,
    /// Whether `make import` takes accounts in.
    pub import: bool,
}
