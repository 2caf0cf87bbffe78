//! What pages look like, and the policy that lets just that through (SE-07).

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::config::Brand;
use crate::domain::brand::{Palette, Palettes};
use crate::domain::oauth::client_brand::ClientBrand;

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
    /// Asks for a passkey, and sends what it has signed or made with the form. Of the second step it asks our own API for the
    /// question.
    Passkey,
    /// Shows a password that is typed, and asks for a passkey in its place.
    RevealAndPasskey,
}

impl Script {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Reveal => include_str!("../../../templates/pages/reveal.js"),
            Self::Send => include_str!("../../../templates/pages/send.js"),
            Self::Passkey => include_str!("../../../templates/pages/passkey.js"),
            Self::RevealAndPasskey => concat!(
                include_str!("../../../templates/pages/reveal.js"),
                include_str!("../../../templates/pages/passkey.js")
            ),
        }
    }
}

/// The icon of every page, as an address.
pub const ICON: &str = concat!(
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E",
    "%3Crect width='24' height='24' rx='6' fill='%231f4fc9'/%3E",
    "%3Cpath d='M12 6.5a3 3 0 0 1 1.5 5.6l.8 5.4H9.7l.8-5.4A3 3 0 0 1 12 6.5z' fill='%23fff'/%3E%3C/svg%3E",
);

static HASH_OF_STYLE: LazyLock<String> = LazyLock::new(|| hash(STYLE));

/// What of a page is somebody's own: the service's, or that of the application that it leads to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// What stands at its head in place of the service's name.
    pub(super) name: Option<String>,
    pub(super) logo: Option<String>,
    pub(super) palettes: Palettes,
}

impl Look {
    /// Of a page of the service's, or on the way to a client.
    pub(crate) fn new(brand: Brand, client: Option<&ClientBrand>) -> Self {
        let palettes = brand.palettes();
        let Some(client) = client else { return Self { name: None, logo: brand.logo, palettes } };
        let logo = client.logo.clone().or(brand.logo);
        Self { name: client.name.clone(), logo, palettes: client.over(palettes) }
    }

    /// A second style, of the first one's variables alone; none where all are as they are there.
    pub(super) fn style(&self) -> String {
        let Palettes { light, dark } = &self.palettes;
        if self.palettes == Palettes::default() {
            return String::new();
        }
        format!("{}\n@media (prefers-color-scheme: dark) {{ {} }}\n", variables(light), variables(dark))
    }
}

fn variables(palette: &Palette) -> String {
    let Palette { accent, link, background, surface, text, .. } = palette;
    let named = [("back", background), ("card", surface), ("text", text), ("accent", accent), ("link", link)];
    let variables = named.iter().fold(String::new(), |mut all, (name, colour)| {
        // Writing to a String cannot fail.
        let _ = write!(all, "--{name}: {colour}; ");
        all
    });
    format!(":root {{ {variables}}}")
}

/// The policy of a page with this script, and this second style or none. Of a form that is an application's own, its application
/// alone knows where it leads; every other one leads to pages of ours, and no further (OC-30).
pub(super) fn policy(script: Script, second: &str) -> String {
    let second = if second.is_empty() { String::new() } else { format!(" '{}'", hash(second)) };
    let form_action = if script == Script::Send { "" } else { "; form-action 'self'" };
    let asks = matches!(script, Script::Passkey | Script::RevealAndPasskey);
    let connect = if asks { "; connect-src 'self'" } else { "" };
    let script = match script {
        Script::None => String::new(),
        _ => format!("; script-src '{}'{connect}", hash(script.text())),
    };
    let style = &*HASH_OF_STYLE;
    format!(
        "default-src 'none'; style-src '{style}'{second}; img-src data:; frame-ancestors 'none'; base-uri 'none'{form_action}{script}"
    )
}

/// Of the very text that is put in.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(digest(&SHA256, text.as_bytes())))
}

#[cfg(test)]
mod tests;
