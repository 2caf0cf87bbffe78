//! How mails, events and notices of ended sessions leave the standalone server.

use std::net::IpAddr;

use url::Url;

use super::Rule;
use crate::config::{Config, MailTls, MailTransport};

pub(super) fn rules(config: &Config) -> Vec<Rule> {
    let (smtp, webhook) = (&config.mail.smtp, &config.events.webhook);
    let host = smtp.host.as_deref();
    vec![
        Rule::about(
            "mail.smtp.host",
            host.is_none_or(is_host),
            "expected the mail server's name or address, without scheme and port",
        ),
        Rule::about(
            "mail.smtp.host",
            host.is_some() || config.mail.transport != Some(MailTransport::Smtp),
            "expected the mail server's name or address: mail.transport is smtp",
        )
        .beside("mail.transport"),
        Rule::about("mail.smtp.port", smtp.port != 0, "expected 1 to 65535"),
        Rule::about(
            "mail.smtp.tls",
            smtp.tls != MailTls::None || host.is_none_or(is_this_machine),
            "expected starttls or implicit: mails and passwords go in clear text to this machine alone (SA-11)",
        )
        .beside("mail.smtp.host"),
        Rule::about(
            "mail.smtp.password_file",
            smtp.user.is_some() == smtp.password_file.is_some(),
            "expected a file where mail.smtp.user is set, and none where it is not",
        )
        .beside("mail.smtp.user"),
        Rule::about("mail.smtp.connections", (1..=64).contains(&smtp.connections), "expected 1 to 64"),
        Rule::about(
            "mail.smtp.timeout_ms",
            (100..=60_000).contains(&smtp.timeout_ms),
            "expected 100 to 60000: it is milliseconds",
        ),
        Rule::about(
            "events.webhook.url",
            webhook.url.as_deref().is_none_or(is_https),
            "expected an https URL with a host and without user and fragment: events tell who does what (SA-12)",
        ),
        Rule::about(
            "events.webhook.url",
            webhook.url.is_none() || config.mail.event_bus.is_none(),
            "expected none where mail.event_bus is set: events go to one of them",
        )
        .beside("mail.event_bus"),
        Rule::about(
            "events.webhook.secret_file",
            webhook.url.is_some() == webhook.secret_file.is_some(),
            "expected a file where events.webhook.url is set, and none where it is not",
        )
        .beside("events.webhook.url"),
        Rule::about(
            "events.webhook.timeout_ms",
            (100..=30_000).contains(&webhook.timeout_ms),
            "expected 100 to 30000: it is milliseconds",
        ),
        Rule::about(
            "backchannel_logout.timeout_ms",
            (100..=20_000).contains(&config.backchannel_logout.timeout_ms),
            "expected 100 to 20000: it is milliseconds",
        ),
    ]
}

fn is_host(host: &str) -> bool {
    host.parse::<IpAddr>().is_ok()
        || !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https"
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
    })
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
