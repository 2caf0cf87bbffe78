//! A colour, and how much it stands out from another.

use std::fmt;

use thiserror::Error;

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

/// A text that is no [`Colour`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a colour as #rrggbb")]
pub struct InvalidColour;

impl Colour {
    /// `#ffffff`.
    pub const WHITE: Self = Self::of(0xff_ff_ff);

    /// The colour of six hex digits.
    pub(super) const fn of(digits: u32) -> Self {
        let [_, red, green, blue] = digits.to_be_bytes();
        Self([red, green, blue])
    }

    /// Reads `#rrggbb`.
    pub fn parse(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).map(Self::of).ok_or(InvalidColour)
    }

    /// How much it stands out from another colour (WCAG 2.2, contrast ratio).
    pub fn contrast(self, other: Self) -> Contrast {
        let (one, other) = (self.luminance(), other.luminance());
        Contrast((one.max(other) + 0.05) / (one.min(other) + 0.05))
    }

    /// Relative luminance (WCAG 2.2).
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|part| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// 1 to 21.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Contrast(f64);

impl Contrast {
    /// What text has to have at least (WCAG 2.2, 1.4.3).
    pub const OF_TEXT: Self = Self(4.5);
}

impl fmt::Display for Contrast {
    /// Never rounded up: 4.499 is not enough, and would look as if it were.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:1", (self.0 * 100.0).floor() / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contrast(one: &str, other: &str) -> Contrast {
        Colour::parse(one).unwrap().contrast(Colour::parse(other).unwrap())
    }

    #[test]
    fn contrast_is_that_of_wcag() {
        for (one, other, expected) in [
            ("#000000", "#ffffff", 21.0),
            ("#ffffff", "#ffffff", 1.0),
            ("#767676", "#ffffff", 4.54),
            ("#777777", "#ffffff", 4.48),
            ("#ff0000", "#ffffff", 4.0),
            ("#0000ff", "#ffffff", 8.59),
            ("#0a0a0a", "#000000", 1.06),
        ] {
            let Contrast(found) = contrast(one, other);
            assert!((found - expected).abs() < 0.005, "{one} on {other}: {found}");
            assert_eq!(contrast(other, one), contrast(one, other));
        }
    }

    #[test]
    fn what_is_just_not_enough_does_not_look_as_if_it_were() {
        assert!(contrast("#767676", "#ffffff") >= Contrast::OF_TEXT);
        assert!(contrast("#777777", "#ffffff") < Contrast::OF_TEXT);
        assert_eq!((Contrast(4.499).to_string(), Contrast::OF_TEXT.to_string()), ("4.49:1".into(), "4.5:1".into()));
    }

    #[test]
    fn a_colour_is_six_hex_digits_and_nothing_else() {
        assert_eq!(Colour::parse("#1F4fc9").map(|colour| colour.to_string()).as_deref(), Ok("#1f4fc9"));
        for text in ["", "#", "1f4fc9", "#1f4fc", "#1f4fc99", "#fff", "blue", "#1f4fcg", "#+f4fc9", "#1f4fc9;", "#ä4fc"]
        {
            assert_eq!(Colour::parse(text), Err(InvalidColour), "{text}");
        }
    }
}
