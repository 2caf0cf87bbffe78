//! Mails, and how they leave.

#[cfg(feature = "smtp")]
use std::path::PathBuf;

use serde::Deserialize;

use crate::domain::sender::Sender;

/// Mail and events.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Mail {
    /// Who mails come from, as an address or `Name <address>`: verified with SES in each stage's account, or one that the mail
    /// server takes mails from. The name may be in any script, and the domain an international one.
    #[cfg_attr(test, schemars(with = "String"))]
    pub sender: Sender,
    /// What carries the standalone server's mails. It does not start without, unless `jobs.enabled` is false. The function
    /// `mailer` sends by SES.
    pub transport: Option<MailTransport>,
    /// The queue that `events` puts orders for mails into. The stack sets it.
    pub queue_url: Option<String>,
    /// The bus on which `events` publishes. The stack sets it. The standalone server logs events where there is none.
    pub event_bus: Option<String>,
    /// The mail server.
    #[cfg(feature = "smtp")]
    pub smtp: Smtp,
    #[cfg(not(feature = "smtp"))]
    #[expect(dead_code, reason = "named, or what stands there would be an unknown key")]
    smtp: super::Unread,
}

/// What carries mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum MailTransport {
    /// The Simple Email Service.
    Ses,
    /// The mail server of `mail.smtp`.
    Smtp,
}

/// The mail server, where `mail.transport` is `smtp`.
#[cfg(feature = "smtp")]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Smtp {
    /// Its name, which its certificate has, or its address.
    pub host: Option<String>,
    /// Where it takes submissions: mostly 587 for `starttls` and 465 for `implicit`.
    pub port: u16,
    /// How the connection is encrypted. A server that does not offer it gets no mail.
    pub tls: MailTls,
    /// Who signs in to it. Without, nobody does.
    pub user: Option<String>,
    /// The file with the user's password, read anew for each connection. What white space ends it is not part of it.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) of the authorities that are believed instead of the public ones.
    #[cfg_attr(test, schemars(with = "Option<String>"))]
    pub ca_file: Option<PathBuf>,
    /// How many connections are open at the most, and so how many mails are sent at a time.
    pub connections: u32,
    /// How long one mail may take, connecting included. What takes longer is tried again on another connection.
    pub timeout_ms: u64,
}

/// How a connection to a mail server is encrypted.
#[cfg(feature = "smtp")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub enum MailTls {
    /// After the greeting (RFC 3207).
    Starttls,
    /// From the beginning (RFC 8314).
    Implicit,
    /// Not at all: to this machine alone.
    None,
}
