//! Origins and URLs, by the very algorithm that browsers serialise them with (WHATWG URL).

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use super::Rule;
use crate::config::{Config, Stage};

/// The widest network that one may trust: what private networks have at most.
const WIDEST_PREFIX: u8 = 8;

const ISSUER: &str = "expected the API's origin as browsers send it, such as https://auth.example.com: lower case, an \
                      international host in its xn-- form, no default port, no path, query, credentials or slash at its \
                      end";
const ORIGINS: &str = "expected origins as browsers send them, such as https://auth.example.com: lower case, an \
                       international host in its xn-- form, no default port, no path, credentials, wildcard or slash at \
                       the end";
const PUBLIC: &str = "expected https:// and a host's full name outside development, such as https://auth.example.com, and \
                      neither an IP address nor localhost";
const RP_ID: &str = "expected a host's full name, such as example.com, and neither an IP address nor localhost";
const RANGE_URL: &str = "expected a URL to which a hash's first digits are appended, such as https://…/range/: a slash at its end, no query, \
     no credentials, and https:// outside development";

pub(super) fn rules(config: &Config) -> Vec<Rule> {
    let is_development = config.stage == Stage::Development;
    let (issuer, origins) = (&config.tokens.issuer, &config.http.allowed_origins);
    // An emulator of AWS answers for an API under a path. Pages, which post to their origin, are not for it.
    let may_have_path = is_development && config.embedded.folder.is_none();
    let proxies = &config.http.trusted_proxies;
    vec![
        Rule::about("tokens.issuer", is_origin(issuer) || (may_have_path && is_below_origin(issuer)), ISSUER),
        Rule::about("tokens.issuer", is_development || is_public(issuer), PUBLIC),
        Rule::about("http.allowed_origins", origins.iter().all(|origin| is_origin(origin)), ORIGINS),
        Rule::about("http.allowed_origins", is_development || origins.iter().all(|origin| is_public(origin)), PUBLIC),
        Rule::about(
            "http.trusted_proxies",
            proxies.iter().all(|network| network.prefix_len() >= WIDEST_PREFIX),
            "expected networks of proxies of your own, /8 or narrower: whoever is trusted says who a client is (SE-09)",
        ),
        Rule::about(
            "http.trusted_proxies",
            !proxies.iter().any(holds_other_addresses),
            "expected IPv4 networks in IPv4's own form, and no IPv6 network that holds them (SE-09)",
        ),
        Rule::about(
            "breach_check.range_url",
            config.breach_check.range_url.as_deref().is_none_or(|url| is_range_url(url, is_development)),
            RANGE_URL,
        ),
        Rule::about(
            "mail.queue_url",
            config.mail.queue_url.as_deref().is_none_or(|url| parsed(url).is_some()),
            "expected the queue's URL, as SQS gives it",
        ),
        Rule::about(
            "passkeys.rp_id",
            is_rp_id(config.passkeys.rp_id(), is_development),
            RP_ID,
        ),
        Rule::about(
            "passkeys.origins",
            config.passkeys.origins.iter().all(|origin| may_ask(origin, config.passkeys.rp_id(), is_development)),
            "expected https origins, also the issuer's, whose host is passkeys.rp_id or ends with it after a dot: browsers \
             refuse others. Apps are android:apk-key-hash:…",
        )
        .beside("passkeys.rp_id"),
        Rule::about(
            "passkeys.related_origins",
            config.passkeys.related_origins.iter().all(|origin| is_origin(origin) && (is_development || is_public(origin))),
            "expected https origins of other domains, such as https://example.de: browsers look them up at \
             https://<passkeys.rp_id>/.well-known/webauthn",
        ),
        Rule::about(
            "passkeys.top_origins",
            config.passkeys.top_origins.iter().all(|origin| is_origin(origin)),
            ORIGINS,
        ),
        #[cfg(any(feature = "backchannel", feature = "sqs"))]
        Rule::about(
            "backchannel_logout.queue_url",
            config.backchannel_logout.queue_url.as_deref().is_none_or(|url| parsed(url).is_some()),
            "expected the queue's URL, as SQS gives it",
        ),
        Rule::about(
            "edge.orders_url",
            config.edge.orders_url.as_deref().is_none_or(|url| parsed(url).is_some()),
            "expected the queue's URL, as SQS gives it",
        ),
        Rule::about(
            "edge.drops_url",
            config.edge.drops_url.as_deref().is_none_or(|url| parsed(url).is_some()),
            "expected the queue's URL, as SQS gives it",
        ),
    ]
}

/// An http(s) URL that has a host.
fn parsed(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host())
}

/// RFC 6454's serialisation: scheme, host and port, nothing else, and no wildcard.
fn is_origin(text: &str) -> bool {
    parsed(text).is_some_and(|url| url.origin().ascii_serialization() == text && has_name(&url))
}

/// An origin and a path that is written as it is read, without a slash at its end.
fn is_below_origin(text: &str) -> bool {
    parsed(text).is_some_and(|url| {
        url.as_str() == text
            && has_name(&url)
            && !text.ends_with('/')
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

/// URLs allow for more than names of hosts do: stars, underscores, a dot at the end.
fn has_name(url: &Url) -> bool {
    let is_label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    match url.host() {
        Some(Host::Domain(name)) => name.split('.').all(is_label),
        host => host.is_some(),
    }
}

fn is_rp_id(text: &str, is_development: bool) -> bool {
    let origin = format!("https://{text}");
    is_origin(&origin) && (is_development || is_public(&origin))
}

/// Whether browsers let pages of an origin ask for passkeys of an RP ID (WebAuthn, section 5.1.3). In development the example's
/// is listed, whatever the issuer is.
fn may_ask(origin: &str, rp_id: &str, is_development: bool) -> bool {
    if origin.starts_with("android:apk-key-hash:") {
        return true;
    }
    if is_development {
        return is_origin(origin);
    }
    let is_secure = origin.starts_with("https://");
    let host =
        parsed(origin).filter(|_| is_secure && is_origin(origin)).and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| {
        host == rp_id || host.strip_suffix(rp_id).is_some_and(|before| before.ends_with('.') && !rp_id.is_empty())
    })
}

fn is_public(text: &str) -> bool {
    let Some(url) = parsed(text) else { return false };
    let is_name = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.') && !name.ends_with(".localhost"));
    url.scheme() == "https" && is_name
}

/// The digits are appended to the text as it stands.
fn is_range_url(text: &str, is_development: bool) -> bool {
    let Some(start) = text.strip_suffix('/') else { return false };
    (is_development || text.starts_with("https://")) && (is_origin(start) || is_below_origin(start))
}

/// Whether an IPv6 network has IPv4 addresses in it, or stands for IPv6 itself.
fn holds_other_addresses(network: &IpNet) -> bool {
    let IpAddr::V6(address) = network.network() else { return false };
    address.to_ipv4_mapped().is_some() || address.is_unspecified()
}
