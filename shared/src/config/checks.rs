//! What types cannot say about values.

use http::Uri;
use tracing_subscriber::filter::LevelFilter;

use super::{Config, Stage};
use crate::crypto::password_hasher::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM};
use crate::mail::is_sender;

/// The first key whose value breaks a rule, and the rule.
pub(super) fn violation(config: &Config) -> Option<(&'static str, &'static str)> {
    rules(config).into_iter().find(|(holds, ..)| !holds).map(|(_, key, rule)| (key, rule))
}

/// Whether each rule holds, the key that it is about, and what it says.
pub(super) fn rules(config: &Config) -> impl IntoIterator<Item = (bool, &'static str, &'static str)> {
    let (hashing, tokens) = (&config.hashing, &config.tokens);
    let is_development = config.stage == Stage::Development;
    let accounts = &config.accounts;
    let unverified = !accounts.require_verified_email && !accounts.accept_unverified_email_enumeration;
    [
        (config.http.port != 0, "http.port", "expected 1 to 65535"),
        (!config.http.bind.is_empty(), "http.bind", "expected at least one address"),
        (
            config.http.allowed_origins.iter().all(|origin| is_origin(origin)),
            "http.allowed_origins",
            "expected origins as browsers send them, such as https://app.example.com",
        ),
        ((16..=65_536).contains(&config.http.max_connections), "http.max_connections", "expected 16 to 65536"),
        (
            (1..=config.http.max_connections).contains(&config.http.max_in_flight),
            "http.max_in_flight",
            "expected 1 to http.max_connections",
        ),
        ((100..=60_000).contains(&config.http.head_ms), "http.head_ms", "expected 100 to 60000"),
        ((100..=3_600_000).contains(&config.http.idle_ms), "http.idle_ms", "expected 100 to 3600000"),
        ((100..=600_000).contains(&config.http.response_ms), "http.response_ms", "expected 100 to 600000"),
        (config.http.notice_ms <= 60_000, "http.notice_ms", "expected at most 60000"),
        ((100..=600_000).contains(&config.http.drain_ms), "http.drain_ms", "expected 100 to 600000"),
        (
            config.ops.port != 0 && (config.ops.port != config.http.port || is_development),
            "ops.port",
            "expected 1 to 65535, and another port than http.port",
        ),
        (!config.ops.bind.is_empty(), "ops.bind", "expected at least one address"),
        (
            config.secrets.cache_seconds <= 1800,
            "secrets.cache_seconds",
            "expected at most 1800: a retired key is used for up to twice that (TK-04)",
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
        (is_issuer(&tokens.issuer), "tokens.issuer", "expected an http(s) URL without a slash at its end"),
        (!tokens.audience.is_empty(), "tokens.audience", "expected the name of an API"),
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
        (config.limits.code_address.limit <= 10, "limits.code_address.limit", "expected at most 10 (OT-11)"),
        (
            config.limits.login_account.most_failures <= 100,
            "limits.login_account.most_failures",
            "expected at most 100 (EN-02)",
        ),
        (is_sender(&config.mail.sender), "mail.sender", "expected an address, or Name <address>"),
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
            config.secrets.file.is_none() || config.secrets.prefix.is_none(),
            "secrets.prefix",
            "expected nothing beside secrets.file: keys have one source",
        ),
        (
            is_development || config.embedded.folder.is_none(),
            "embedded.folder",
            "expected nothing outside stage development, which alone has an embedded store (PL-06)",
        ),
    ]
}

/// RFC 6454's serialisation: scheme, host and port, nothing else, and no wildcard.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return false };
    ["http", "https"].contains(&scheme) && !text.contains('*') && text == format!("{scheme}://{authority}")
}

fn is_issuer(text: &str) -> bool {
    let scheme = text.parse::<Uri>().ok().and_then(|uri| uri.scheme_str().map(str::to_owned));
    matches!(scheme.as_deref(), Some("http" | "https")) && !text.ends_with('/') && !text.contains(['?', '#'])
}

/// The library takes a misspelt level for a module's name and falls silent.
fn is_filter(text: &str) -> bool {
    text.split(',').all(|part| {
        let level = part.rsplit_once('=').map_or(part, |(_, level)| level);
        level.trim().parse::<LevelFilter>().is_ok()
    })
}
