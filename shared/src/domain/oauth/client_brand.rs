//! What pages look like that are on the way to a client.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::brand::{InvalidColour, InvalidLogo, OwnColours, Palettes, check_logo};
use crate::domain::name::DisplayName;

/// How many KiB a client's logo may have: its item is read for each page and each token.
const MOST_KIB: usize = 8;

/// What of the service's brand is a client's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientBrand {
    /// What stands at the head of a page in place of the service's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The logo beside it, as [`check_logo`] takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
    /// Colours of the light scheme.
    #[serde(skip_serializing_if = "ClientColours::is_empty")]
    pub light: ClientColours,
    /// Colours of the dark scheme.
    #[serde(skip_serializing_if = "ClientColours::is_empty")]
    pub dark: ClientColours,
}

/// A client's own colours, as `#rrggbb`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientColours {
    /// Of buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accent: Option<String>,
    /// Of links; without it they have the accent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

/// Why a client cannot have this brand.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidBrand {
    /// Not what people could read as it is written.
    #[error("brand.name: expected 1 to 100 characters that can be seen, in one line, without white space around them")]
    Name,
    /// Not a picture, or not one that pages show.
    #[error("brand.logo: expected {0}")]
    Logo(InvalidLogo),
    /// Not a colour.
    #[error("brand.{0}.{1}: expected {2}")]
    Colour(&'static str, &'static str, InvalidColour),
    /// Not to be read beside the service's colours.
    #[error("brand.{0}.{1}: expected {2}")]
    Unreadable(&'static str, &'static str, String),
}

impl ClientColours {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn own(&self) -> Result<OwnColours, (&'static str, InvalidColour)> {
        Ok(OwnColours {
            accent: OwnColours::read("accent", self.accent.as_ref())?,
            link: OwnColours::read("link", self.link.as_ref())?,
            ..OwnColours::default()
        })
    }
}

impl ClientBrand {
    /// Whether it is the service's in all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The colours of the pages, which are those of the service but for its own. What is none counts as not set.
    pub fn over(&self, service: Palettes) -> Palettes {
        let [light, dark] = [&self.light, &self.dark].map(|colours| colours.own().unwrap_or_default());
        Palettes { light: service.light.with(&light), dark: service.dark.with(&dark) }
    }

    /// Whether a client can have it beside the service's colours.
    pub(super) fn check(&self, service: &Palettes) -> Result<(), InvalidBrand> {
        let is_as_written = |name: &String| DisplayName::parse(name).is_ok_and(|read| read.as_str() == name);
        if !self.name.as_ref().is_none_or(is_as_written) {
            return Err(InvalidBrand::Name);
        }
        if let Some(logo) = &self.logo {
            check_logo(logo, MOST_KIB).map_err(InvalidBrand::Logo)?;
        }
        for (scheme, colours, page) in [("light", &self.light, service.light), ("dark", &self.dark, service.dark)] {
            let own = colours.own().map_err(|(name, why)| InvalidBrand::Colour(scheme, name, why))?;
            if let Some(fault) = page.with(&own).unreadable().and_then(|pair| own.fault(pair)) {
                return Err(InvalidBrand::Unreadable(scheme, fault.colour, fault.expected));
            }
        }
        Ok(())
    }
}
