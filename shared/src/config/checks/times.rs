//! How long things may take and last, and which of them have to outlast which.

use super::Rule;
use crate::config::{Config, Stage};

const DAY: u64 = 24 * 3600;
/// Browsers keep no cookie longer.
const MOST_SESSION: u64 = 400 * DAY;

/// In development what has run out is tried sooner.
pub(super) fn rules(config: &Config) -> Vec<Rule> {
    let is_development = config.stage == Stage::Development;
    let mut rules = requests(config, is_development);
    rules.extend(links(config));
    rules.extend(grace(config, is_development));
    rules.extend(sessions(config, is_development));
    rules
}

fn requests(config: &Config, is_development: bool) -> Vec<Rule> {
    let (aws, http, breach_check) = (&config.aws, &config.http, &config.breach_check);
    vec![
        Rule::about(
            "aws.operation_timeout_ms",
            is_development || aws.operation_timeout_ms < http.request_deadline_ms,
            "expected less than http.request_deadline_ms outside development, so that a request can still say that a \
             service was too slow: lower this, or raise the deadline (both are milliseconds)",
        )
        .beside("http.request_deadline_ms"),
        Rule::about(
            "aws.attempt_timeout_ms",
            aws.attempt_timeout_ms <= aws.operation_timeout_ms,
            "expected at most aws.operation_timeout_ms, which all tries share: lower this, or raise the other (both are \
             milliseconds)",
        )
        .beside("aws.operation_timeout_ms"),
        Rule::about(
            "aws.attempt_timeout_ms",
            aws.attempt_timeout_ms >= 50,
            "expected at least 50: it is milliseconds, and a try that is cut short is tried again",
        ),
        Rule::about("aws.max_attempts", (1..=20).contains(&aws.max_attempts), "expected 1 to 20"),
        Rule::about(
            "http.request_deadline_ms",
            (100..=900_000).contains(&http.request_deadline_ms),
            "expected 100 to 900000: it is milliseconds, and no function may run for more than 15 minutes",
        ),
        Rule::about(
            "breach_check.timeout_ms",
            is_development || breach_check.timeout_ms < http.request_deadline_ms,
            "expected less than http.request_deadline_ms outside development, so that a slow service is skipped and the \
             request is not lost: lower this, or raise the deadline (both are milliseconds)",
        )
        .beside("http.request_deadline_ms"),
        Rule::about(
            "breach_check.timeout_ms",
            breach_check.timeout_ms >= 50,
            "expected at least 50: it is milliseconds, and less would skip every check",
        ),
        Rule::about(
            "secrets.cache_seconds",
            (10..=1800).contains(&config.secrets.cache_seconds),
            "expected 10 to 1800: less asks for keys all the time, and a key that was taken out of use is used for up to \
             twice that (TK-04)",
        ),
        Rule::about(
            "hashing.max_wait_ms",
            is_development || config.hashing.max_wait_ms < http.request_deadline_ms,
            "expected less than http.request_deadline_ms: who waits for longer is answered 503 all the same (PW-08)",
        )
        .beside("http.request_deadline_ms"),
    ]
}

/// The least that a person can use, against minutes or hours in place of seconds.
fn links(config: &Config) -> Vec<Rule> {
    let accounts = &config.accounts;
    let least = |key: &'static str, seconds: u64, least: u64, expected: &'static str| {
        Rule::about(key, seconds >= least, expected)
    };
    vec![
        least(
            "accounts.verification_seconds",
            accounts.verification_seconds,
            600,
            "expected at least 600, which is 10 minutes for a mail to arrive (OT-04)",
        ),
        least(
            "accounts.reset_seconds",
            accounts.reset_seconds,
            300,
            "expected at least 300, which is 5 minutes for a mail to arrive (OT-04)",
        ),
        least(
            "accounts.email_code_seconds",
            accounts.email_code_seconds,
            120,
            "expected at least 120, which is 2 minutes for a mail to arrive (OT-04)",
        ),
        least(
            "accounts.email_change_seconds",
            accounts.email_change_seconds,
            600,
            "expected at least 600, which is 10 minutes for a mail to arrive (OT-04)",
        ),
        least(
            "accounts.fresh_seconds",
            accounts.fresh_seconds,
            30,
            "expected at least 30: whoever has just signed in has to have the time to ask (SE-10)",
        ),
    ]
}

fn grace(config: &Config, is_development: bool) -> Vec<Rule> {
    let (accounts, retention) = (&config.accounts, config.store.audit_retention_days);
    let least_grace = if is_development { 3600 } else { DAY };
    vec![
        Rule::about(
            "accounts.email_undo_seconds",
            (7 * DAY..=30 * DAY).contains(&accounts.email_undo_seconds),
            "expected 604800 to 2592000, which is 7 to 30 days: whoever took an account over counts on a shorter one \
             (OT-12)",
        ),
        Rule::about(
            "accounts.email_undo_seconds",
            accounts.email_undo_seconds >= accounts.email_change_seconds,
            "expected at least accounts.email_change_seconds, how long the link that makes the change works: lower that, \
             or raise this",
        )
        .beside("accounts.email_change_seconds"),
        Rule::about(
            "accounts.email_undo_known_device_seconds",
            accounts.email_undo_known_device_seconds <= accounts.email_undo_seconds,
            "expected at most accounts.email_undo_seconds (OT-12)",
        )
        .beside("accounts.email_undo_seconds"),
        Rule::about(
            "accounts.remember_device_days",
            accounts.remember_device_days <= 30,
            "expected at most 30: whoever takes a device that is remembered needs the password alone (MF-23)",
        ),
        Rule::about(
            "accounts.deletion_grace_seconds",
            (least_grace..=30 * DAY).contains(&accounts.deletion_grace_seconds),
            "expected 86400 to 2592000, which is 1 to 30 days: less leaves no time to keep an account that a stranger \
             deletes, and more keeps data of whoever wants it gone; 3600 is enough in development",
        ),
        Rule::about(
            "accounts.factor_loss_delay_seconds",
            (if is_development { 0 } else { DAY }..=30 * DAY).contains(&accounts.factor_loss_delay_seconds),
            "expected 86400 to 2592000, which is 1 to 30 days: less leaves an owner no time to keep a second factor that a \
             stranger says is lost (MF-20); in development there need be no wait",
        ),
        Rule::about(
            "store.audit_retention_days",
            (if is_development { 1 } else { 30 }..=3650).contains(&retention),
            "expected 30 to 3650: less forgets what an attack did before anybody looks (PL-03); 1 is enough in development",
        ),
    ]
}

fn sessions(config: &Config, is_development: bool) -> Vec<Rule> {
    let (sessions, access_seconds) = (&config.sessions, config.tokens.access_seconds);
    vec![
        Rule::about(
            "sessions.absolute_seconds",
            (1..=MOST_SESSION).contains(&sessions.absolute_seconds),
            "expected at most 34560000, which is 400 days: browsers keep no cookie longer (SE-01)",
        ),
        Rule::about(
            "sessions.idle_seconds",
            (1..=sessions.absolute_seconds).contains(&sessions.idle_seconds),
            "expected at most sessions.absolute_seconds, after which a session is over however much it is used: lower \
             this, or raise the other (SE-01)",
        )
        .beside("sessions.absolute_seconds"),
        Rule::about(
            "sessions.idle_seconds",
            is_development || sessions.idle_seconds >= access_seconds,
            "expected at least tokens.access_seconds outside development, how long an access token lives: a session that \
             ends sooner is over before it is first refreshed; raise this, or lower the other",
        )
        .beside("tokens.access_seconds"),
    ]
}
