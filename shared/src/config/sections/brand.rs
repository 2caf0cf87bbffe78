//! What pages look like.

use serde::Deserialize;

use crate::domain::brand::{InvalidColour, OwnColours, Palettes};

/// What pages look like, where it is not [as they come](../pages.md#your-own-brand). Read and checked by what shows pages.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Brand {
    /// The logo beside `service.name`, as `data:image/svg+xml;base64,…` or `data:image/png;base64,…`: a file of at most 32 KiB,
    /// at most six times as wide as high, an SVG with a `viewBox` and without a script.
    pub logo: Option<String>,
    /// The colours of the light scheme, each as `#rrggbb`, with a contrast of at least 4.5:1 to what stands on it or under it.
    pub light: BrandColours,
    /// The colours of the dark scheme, likewise.
    pub dark: BrandColours,
}

/// The colours of a scheme.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BrandColours {
    /// Buttons, whose text is white, and the sign beside the service's name where there is no logo.
    pub accent: Option<String>,
    /// Links. Without it they have the accent.
    pub link: Option<String>,
    /// What is around the card.
    pub background: Option<String>,
    /// The card; on a phone the whole page.
    pub surface: Option<String>,
    /// Text.
    pub text: Option<String>,
}

impl BrandColours {
    pub(in crate::config) fn own(&self) -> Result<OwnColours, (&'static str, InvalidColour)> {
        Ok(OwnColours {
            accent: OwnColours::read("accent", self.accent.as_ref())?,
            link: OwnColours::read("link", self.link.as_ref())?,
            background: OwnColours::read("background", self.background.as_ref())?,
            surface: OwnColours::read("surface", self.surface.as_ref())?,
            text: OwnColours::read("text", self.text.as_ref())?,
        })
    }
}

impl Brand {
    /// The colours of the pages. What is none counts as not set: a start has refused it.
    pub fn palettes(&self) -> Palettes {
        let pages = Palettes::default();
        let [light, dark] = [&self.light, &self.dark].map(|colours| colours.own().unwrap_or_default());
        Palettes { light: pages.light.with(&light), dark: pages.dark.with(&dark) }
    }
}
