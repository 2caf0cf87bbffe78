//! The limits under `limits`, held to one set of rules by the names of their keys, so that a new limit has them as well.

use serde_json::{Map, Value};

use super::Rule;
use crate::config::Config;

/// What a limit would hardly be meant to be: one that is never reached.
const MOST: i64 = 1_000_000;
const MOST_WINDOW_SECONDS: i64 = 31 * 24 * 3600;
const MOST_DELAY_SECONDS: i64 = 24 * 3600;

/// Of every limit in the section's table.
pub(super) fn rules(limits: &Map<String, Value>) -> Vec<Rule> {
    let sections = limits.iter().filter_map(|(name, value)| Some((name, value.as_object()?)));
    sections.flat_map(|(name, limit)| of(&format!("limits.{name}"), limit)).collect()
}

/// A reset always remains (EN-02): what refuses one has sent another in the same window, whose link still works.
pub(super) fn mail(config: &Config) -> Vec<Rule> {
    let limits = &config.limits;
    vec![
        Rule::about(
            "limits.reset_address.window_seconds",
            u64::from(limits.reset_address.window_seconds) <= config.accounts.reset_seconds,
            "expected at most accounts.reset_seconds, so that a link of the same window still works (EN-02)",
        )
        .beside("accounts.reset_seconds"),
        Rule::about(
            "limits.reset_pair.window_seconds",
            limits.reset_pair.window_seconds == limits.reset_address.window_seconds,
            "expected the same as limits.reset_address.window_seconds (EN-02)",
        )
        .beside("limits.reset_address.window_seconds"),
        Rule::about(
            "limits.mail_all_kept_for_resets",
            limits.mail_all_kept_for_resets < limits.mail_all.limit,
            "expected less than limits.mail_all.limit, of which it is a part",
        )
        .beside("limits.mail_all.limit"),
    ]
}

fn of(section: &str, limit: &Map<String, Value>) -> Vec<Rule> {
    let own = limit.iter().filter_map(|(key, value)| {
        let (least, most, expected) = bounds(key)?;
        let value = value.as_i64()?;
        Some(Rule::about(format!("{section}.{key}"), (least..=most).contains(&value), expected))
    });
    own.chain(free_and_most(section, limit)).chain(first_and_longest(section, limit)).collect()
}

/// Least, most, and the rule in words.
fn bounds(key: &str) -> Option<(i64, i64, &'static str)> {
    Some(match key {
        "limit" | "most_failures" => (1, MOST, "expected 1 to 1000000: 0 would refuse everybody, and more is no limit"),
        "window_seconds" => (1, MOST_WINDOW_SECONDS, "expected 1 to 2678400, which is 31 days"),
        "first_delay_seconds" | "longest_delay_seconds" => {
            (1, MOST_DELAY_SECONDS, "expected 1 to 86400, which is 24 hours: more would keep an owner out")
        }
        _ => return None,
    })
}

fn free_and_most(section: &str, limit: &Map<String, Value>) -> Option<Rule> {
    let (free, most) = (integer(limit, "free_failures")?, integer(limit, "most_failures")?);
    let expected = "expected at most most_failures, the failures after which nothing is evaluated: lower the free ones, or \
                    raise the most";
    let rule = Rule::about(format!("{section}.free_failures"), free <= most, expected);
    Some(rule.beside(format!("{section}.most_failures")))
}

fn first_and_longest(section: &str, limit: &Map<String, Value>) -> Option<Rule> {
    let (first, longest) = (integer(limit, "first_delay_seconds")?, integer(limit, "longest_delay_seconds")?);
    let expected = "expected at most longest_delay_seconds, where the doubling ends: lower the first wait, or raise the \
                    longest";
    let rule = Rule::about(format!("{section}.first_delay_seconds"), first <= longest, expected);
    Some(rule.beside(format!("{section}.longest_delay_seconds")))
}

fn integer(limit: &Map<String, Value>, key: &str) -> Option<i64> {
    limit.get(key).and_then(Value::as_i64)
}
