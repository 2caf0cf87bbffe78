//! What pages look like, and the policy that lets just that through (SE-07).

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

/// The style of every page; the outbox has it, too.
pub const STYLE: &str = include_str!("../../../templates/pages/page.css");

/// What a page has a script for. Each works without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    /// For nothing.
    None,
    /// Shows a password that is typed.
    Reveal,
    /// Sends the form that an application's answer is in.
    Send,
}

impl Script {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Reveal => include_str!("../../../templates/pages/reveal.js"),
            Self::Send => include_str!("../../../templates/pages/send.js"),
        }
    }
}

/// The icon of every page, as an address.
pub const ICON: &str = concat!(
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E",
    "%3Crect width='24' height='24' rx='6' fill='%231f4fc9'/%3E",
    "%3Cpath d='M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z' fill='%23fff'/%3E%3C/svg%3E",
);

static WITHOUT_SCRIPT: LazyLock<String> = LazyLock::new(|| {
    format!("default-src 'none'; style-src '{}'; img-src data:; frame-ancestors 'none'; base-uri 'none'", hash(STYLE))
});

/// The policy of a page with this script. Of a form that is an application's own, its application alone knows where it leads;
/// every other one leads to pages of ours, and no further (OC-30).
pub(super) fn policy(script: Script) -> String {
    let form_action = if script == Script::Send { "" } else { "; form-action 'self'" };
    let script = match script {
        Script::None => String::new(),
        _ => format!("; script-src '{}'", hash(script.text())),
    };
    format!("{}{form_action}{script}", *WITHOUT_SCRIPT)
}

/// Of the very text that is put in.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}
