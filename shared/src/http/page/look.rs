//! What pages look like, and the policy that lets just that through (SE-07).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

/// The style of every page; the outbox has it, too.
pub const STYLE: &str = include_str!("../../../templates/pages/page.css");

/// Shows a password that is typed: all that a page has a script for, and it works without.
pub(super) const SCRIPT: &str = include_str!("../../../templates/pages/reveal.js");

/// The icon of every page, as an address.
pub const ICON: &str = concat!(
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E",
    "%3Crect width='24' height='24' rx='6' fill='%231f4fc9'/%3E",
    "%3Cpath d='M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z' fill='%23fff'/%3E%3C/svg%3E",
);

static WITHOUT_SCRIPT: LazyLock<String> = LazyLock::new(|| {
    format!("default-src 'none'; style-src '{}'; img-src data:; frame-ancestors 'none'; base-uri 'none'", hash(STYLE))
});

static SCRIPT_SOURCE: LazyLock<String> = LazyLock::new(|| format!("; script-src '{}'", hash(SCRIPT)));

/// The policy of a page with this script, or with none. Where its form leads on to an application, browsers want to hear of
/// that, too (OC-30).
pub(super) fn policy(script: &str, leads_to: Option<&str>) -> String {
    let script = if script.is_empty() { "" } else { &SCRIPT_SOURCE };
    let leads_to = leads_to.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!("{}; form-action 'self'{leads_to}{script}", *WITHOUT_SCRIPT)
}

/// Of the very text that is put in.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}
