//! What the standalone server lets connections take, and where it listens.

use super::Rule;
use crate::config::{Config, Stage};

pub(super) fn rules(config: &Config) -> Vec<Rule> {
    let (http, ops) = (&config.http, &config.ops);
    let single = [
        ((16..=65_536).contains(&http.max_connections), "http.max_connections", "expected 16 to 65536"),
        (http.max_in_flight >= 1, "http.max_in_flight", "expected at least 1"),
        ((100..=60_000).contains(&http.head_ms), "http.head_ms", "expected 100 to 60000: it is milliseconds"),
        ((100..=3_600_000).contains(&http.idle_ms), "http.idle_ms", "expected 100 to 3600000: it is milliseconds"),
        ((100..=600_000).contains(&http.response_ms), "http.response_ms", "expected 100 to 600000: it is milliseconds"),
        (http.notice_ms <= 60_000, "http.notice_ms", "expected at most 60000: it is milliseconds"),
        ((100..=600_000).contains(&http.drain_ms), "http.drain_ms", "expected 100 to 600000: it is milliseconds"),
        (ops.port != 0, "ops.port", "expected 1 to 65535"),
        (!ops.bind.is_empty(), "ops.bind", "expected at least one address"),
    ];
    let mut rules: Vec<_> =
        single.into_iter().map(|(holds, key, expected)| Rule::about(key, holds, expected)).collect();
    rules.push(
        Rule::about(
            "http.max_in_flight",
            http.max_in_flight <= http.max_connections,
            "expected at most http.max_connections, as each request has one: lower this, or raise the other",
        )
        .beside("http.max_connections"),
    );
    rules.push(
        Rule::about(
            "ops.port",
            ops.port != http.port || config.stage == Stage::Development,
            "expected another port than http.port outside development",
        )
        .beside("http.port"),
    );
    rules
}
