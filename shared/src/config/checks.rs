//! What types cannot say about values.

mod connections;
mod limits;
// Of the standalone server, and with a parser of URLs: no function needs either.
#[cfg(feature = "smtp")]
mod mail;
mod names;
mod origins;
mod times;

use std::borrow::Cow;

use http::Uri;
use serde_json::{Map, Value};
use tracing_subscriber::filter::LevelFilter;

use super::{Config, Stage};
use crate::crypto::password_hasher::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM};
use crate::domain::email::Email;

/// A rule about a key, and whether it holds.
pub(super) struct Rule {
    pub(super) key: Cow<'static, str>,
    pub(super) holds: bool,
    /// What it says: "expected …".
    pub(super) expected: &'static str,
    /// The key that it compares with.
    pub(super) other: Option<Cow<'static, str>>,
}

impl Rule {
    fn about(key: impl Into<Cow<'static, str>>, holds: bool, expected: &'static str) -> Self {
        Self { key: key.into(), holds, expected, other: None }
    }

    fn beside(self, other: impl Into<Cow<'static, str>>) -> Self {
        Self { other: Some(other.into()), ..self }
    }
}

/// The first rule that is broken. `limits` is the section of that name as it was set.
pub(super) fn violation(config: &Config, limits: &Map<String, Value>) -> Option<Rule> {
    rules(config, limits).into_iter().find(|rule| !rule.holds)
}

/// Every rule: of single keys, then of URLs and names, then between keys, then of limits.
pub(super) fn rules(config: &Config, limits: &Map<String, Value>) -> Vec<Rule> {
    let single = single(config).into_iter().map(|(holds, key, expected)| Rule::about(key, holds, expected));
    let mut rules: Vec<_> = single.collect();
    rules.extend(origins::rules(config));
    rules.extend(names::rules(config));
    rules.extend(connections::rules(config));
    #[cfg(feature = "smtp")]
    rules.extend(mail::rules(config));
    rules.extend(times::rules(config));
    rules.extend(limits::rules(limits));
    rules.extend(limits::mail(config));
    rules
}

/// Whether each rule holds, the key that it is about, and what it says.
fn single(config: &Config) -> impl IntoIterator<Item = (bool, &'static str, &'static str)> {
    let (hashing, tokens) = (&config.hashing, &config.tokens);
    let is_development = config.stage == Stage::Development;
    let accounts = &config.accounts;
    let unverified = !accounts.require_verified_email && !accounts.accept_unverified_email_enumeration;
    [
        (
            config.service.url.as_deref().is_none_or(|url| is_web_address(url, is_development)),
            "service.url",
            "expected an https URL without a user; http in development alone",
        ),
        (
            config.service.support.as_deref().is_none_or(|support| {
                is_web_address(support, is_development) || !support.contains("://") && Email::parse(support).is_ok()
            }),
            "service.support",
            "expected an email address, or an https URL without a user; http in development alone",
        ),
        (config.http.port != 0, "http.port", "expected 1 to 65535"),
        (!config.http.bind.is_empty(), "http.bind", "expected at least one address"),
        (
            config.http.edge_digests.len() <= 2,
            "http.edge_digests",
            "expected at most two: the secret and the next (ED-03)",
        ),
        (is_filter(&config.log.level), "log.level", "expected error, warn, info, debug, trace or off"),
        (
            (19_456..=MAX_MEMORY_KIB).contains(&hashing.memory_kib),
            "hashing.memory_kib",
            "expected 19456 (PW-01) to 65536 (PW-07)",
        ),
        ((2..=MAX_ITERATIONS).contains(&hashing.iterations), "hashing.iterations", "expected 2 (PW-01) to 10 (PW-07)"),
        ((1..=MAX_PARALLELISM).contains(&hashing.parallelism), "hashing.parallelism", "expected 1 to 4 (PW-07)"),
        (config.sessions.grace_seconds <= 30, "sessions.grace_seconds", "expected at most 30 (SE-02)"),
        ((60..=3600).contains(&tokens.access_seconds), "tokens.access_seconds", "expected 60 to 3600 (SE-01)"),
        (
            accounts.verification_seconds <= 24 * 3600,
            "accounts.verification_seconds",
            "expected at most 86400, which is 24 hours (OT-04)",
        ),
        (
            accounts.reset_seconds <= 30 * 60,
            "accounts.reset_seconds",
            "expected at most 1800, which is 30 minutes (OT-04)",
        ),
        (
            accounts.email_code_seconds <= 10 * 60,
            "accounts.email_code_seconds",
            "expected at most 600, which is 10 minutes (OT-04)",
        ),
        (
            accounts.email_change_seconds <= 24 * 3600,
            "accounts.email_change_seconds",
            "expected at most 86400, which is 24 hours (OT-04)",
        ),
        (accounts.fresh_seconds <= 300, "accounts.fresh_seconds", "expected at most 300 (SE-10)"),
        (config.limits.login_account.limit <= 100, "limits.login_account.limit", "expected at most 100 (EN-02)"),
        (
            config.limits.login_device.most_failures <= 100,
            "limits.login_device.most_failures",
            "expected at most 100 (EN-02)",
        ),
        (
            config.limits.password_user.most_failures <= 100,
            "limits.password_user.most_failures",
            "expected at most 100 (EN-02)",
        ),
        (
            config.limits.second_factor.most_failures <= 100,
            "limits.second_factor.most_failures",
            "expected at most 100 (EN-02)",
        ),
        (
            is_development || !unverified,
            "accounts.require_verified_email",
            "expected true outside development, unless accounts.accept_unverified_email_enumeration is set (EN-04)",
        ),
        (
            is_development || config.secrets.file.is_none(),
            "secrets.file",
            "expected nothing outside stage development, which alone has a key file (PL-06)",
        ),
        (
            config.secrets.file.is_none() || config.secrets.folder.is_none(),
            "secrets.folder",
            "expected nothing beside secrets.file: keys have one source",
        ),
        (
            config.secrets.prefix.is_none() || config.secrets.file.is_none() && config.secrets.folder.is_none(),
            "secrets.prefix",
            "expected nothing beside secrets.file or secrets.folder: keys have one source",
        ),
        (
            is_development || config.embedded.folder.is_none(),
            "embedded.folder",
            "expected nothing outside stage development, which alone has an embedded store (PL-06)",
        ),
    ]
}

/// Where a link may lead that people are to trust. What a browser would read otherwise than this does is refused.
fn is_web_address(text: &str, http_too: bool) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    let host = authority.host();
    (scheme == "https" || http_too && scheme == "http")
        && !host.is_empty()
        && !authority.as_str().contains('@')
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"'`\\".contains(&byte))
}

/// The library takes a misspelt level for a module's name and falls silent.
fn is_filter(text: &str) -> bool {
    text.split(',').all(|part| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        level.trim().parse::<LevelFilter>().is_ok()
    })
}
