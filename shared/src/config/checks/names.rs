//! Names that other systems and people read: they take no white space, or show what they are given.

use super::Rule;
use crate::config::Config;
use crate::domain::name::DisplayName;

const SCOPES: &str = "expected scopes of visible ASCII characters but \" and \\, with one space between two (RFC 6749)";
const AUDIENCE: &str = "expected the name of an API, in visible ASCII characters without white space: it is compared \
                        byte for byte";
const TABLE: &str = "expected a name that DynamoDB takes: 3 to 200 of letters, digits, dots, underscores and hyphens";

pub(super) fn rules(config: &Config) -> Vec<Rule> {
    let (tokens, authorizer, store) = (&config.tokens, &config.authorizer, &config.store);
    vec![
        Rule::about(
            "service.name",
            is_shown_as_written(&config.service.name),
            "expected 1 to 100 characters that can be seen, in one line, without marks of direction, white space around \
             them, or the =? of encoded words: mails and pages show it",
        ),
        Rule::about("tokens.audience", is_visible(&tokens.audience), AUDIENCE),
        Rule::about(
            "tokens.audience",
            tokens.audience != tokens.client_id,
            "expected another name than tokens.client_id, which ID tokens are for (TK-06)",
        )
        .beside("tokens.client_id"),
        Rule::about(
            "tokens.client_id",
            is_visible(&tokens.client_id),
            "expected a client identifier in visible ASCII characters, without white space (RFC 6749)",
        ),
        Rule::about("tokens.scope", tokens.scope.split(' ').all(is_scope), SCOPES),
        Rule::about("authorizer.audience", authorizer.audience.as_deref().is_none_or(is_visible), AUDIENCE),
        Rule::about("authorizer.required_scopes", authorizer.required_scopes.iter().all(|it| is_scope(it)), SCOPES),
        Rule::about("store.table", is_table(&store.table), TABLE),
        Rule::about("store.audit_table", is_table(&store.audit_table), TABLE),
        Rule::about(
            "store.audit_table",
            store.audit_table != store.table,
            "expected another table than store.table: the trail is only ever added to (PL-03)",
        )
        .beside("store.table"),
        Rule::about(
            "secrets.prefix",
            config.secrets.prefix.as_deref().is_none_or(|prefix| is_visible(prefix) && prefix.ends_with('/')),
            "expected the start of the secrets' names with a slash at its end, such as wardgate/production/",
        ),
        Rule::about(
            "mail.event_bus",
            config.mail.event_bus.as_deref().is_none_or(is_visible),
            "expected the bus's name, as EventBridge gives it",
        ),
        Rule::about(
            "edge.store_arn",
            config.edge.store_arn.as_deref().is_none_or(|arn| is_visible(arn) && arn.starts_with("arn:")),
            "expected the store's ARN, as CloudFront gives it",
        ),
        Rule::about(
            "hashing.queue",
            config.hashing.queue <= 10_000,
            "expected at most 10000: more would wait for minutes, and take memory meanwhile (PW-08)",
        ),
    ]
}

/// An encoded word would be read as what it stands for (RFC 2047).
fn is_shown_as_written(name: &str) -> bool {
    !name.contains("=?") && DisplayName::parse(name).is_ok_and(|read| read.as_str() == name)
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_scope(text: &str) -> bool {
    is_visible(text) && !text.contains(['"', '\\'])
}

/// The stage is appended.
fn is_table(name: &str) -> bool {
    (3..=200).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
