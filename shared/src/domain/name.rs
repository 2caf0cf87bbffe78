//! The name that a person gives themselves.

use std::fmt;

use icu_properties::props::{
    BinaryProperty, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, JoinControl,
    PrependedConcatenationMark, VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::nfc;

/// The most code points a name may have.
pub const MAX_NAME: usize = 100;

/// A display name: NFC, trimmed, without control characters and without what nobody can see, 1 to [`MAX_NAME`] code
/// points, of which at least one is visible (EN-08).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DisplayName(String);

/// Why a string is not a name that we accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidName {
    /// Nothing but white space.
    #[error("leave the name out instead of sending an empty one")]
    Empty,
    /// Nothing but characters that are not seen by themselves.
    #[error("a name has at least one character that can be seen")]
    Invisible,
    /// Over [`MAX_NAME`] code points.
    #[error("a name has at most {MAX_NAME} characters")]
    TooLong,
    /// Line breaks and other control characters, which would let a name forge lines in mails.
    #[error("a name has no line breaks or other control characters")]
    ControlCharacter,
}

impl DisplayName {
    /// Reads a name. What nobody can see is taken out of it: people do not know that it is there, as after text that
    /// was copied or typed from right to left.
    pub fn parse(raw: &str) -> Result<Self, InvalidName> {
        if raw.chars().nth(4 * MAX_NAME).is_some() {
            return Err(InvalidName::TooLong);
        }
        let raw = raw.trim();
        if raw.is_empty() {
            return Err(InvalidName::Empty);
        }
        if raw.chars().any(is_control) {
            return Err(InvalidName::ControlCharacter);
        }
        let name = without_invisible(raw);
        if !name.chars().any(is_visible) {
            Err(InvalidName::Invisible)
        } else if name.chars().count() > MAX_NAME {
            Err(InvalidName::TooLong)
        } else {
            Ok(Self(name))
        }
    }

    /// The most of a name that somebody gave elsewhere: control characters become spaces, and what is too long is cut.
    /// `None` where nothing can be seen.
    pub fn clean(raw: &str) -> Option<Self> {
        let spaced = raw.split(is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        let name: String = without_invisible(&spaced).chars().take(MAX_NAME).collect();
        // Cut, it may end in what is taken out there.
        Self::parse(&name).ok()
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, and what ends a line or paragraph.
fn is_control(c: char) -> bool {
    is_in(c, GeneralCategoryGroup::Control)
        || is_in(c, GeneralCategoryGroup::LineSeparator)
        || is_in(c, GeneralCategoryGroup::ParagraphSeparator)
}

/// Takes out what is not drawn and what orders the text around it, and marks that no character carries. Joiners and
/// variation selectors stay where they shape a character.
fn without_invisible(raw: &str) -> String {
    let mut name = String::with_capacity(raw.len());
    let mut last = None;
    for c in nfc::composed(raw.chars()) {
        let shapes = has::<JoinControl>(c) || has::<VariationSelector>(c);
        let kept = if shapes {
            // A joiner may follow a selector, as in emoji; nothing else of the two follows its like.
            last.is_some_and(|last| {
                let follows_selector = has::<JoinControl>(c) && has::<VariationSelector>(last);
                is_visible(last)
                    || is_in(last, GeneralCategoryGroup::Mark) && !has::<DefaultIgnorableCodePoint>(last)
                    || follows_selector
            })
        } else if is_in(c, GeneralCategoryGroup::Mark) {
            !has::<DefaultIgnorableCodePoint>(c)
                && last.is_some_and(|last| !is_in(last, GeneralCategoryGroup::Separator))
        } else {
            !is_ignored(c)
        };
        if kept {
            name.push(c);
            last = Some(c);
        }
    }
    nfc::composed(name.trim_matches(|c: char| c.is_whitespace() || has::<JoinControl>(c)).chars()).collect()
}

/// Not drawn (Arabic's number signs are, though they are format controls), or an order to the text around it.
fn is_ignored(c: char) -> bool {
    let is_format = is_in(c, GeneralCategoryGroup::Format) && !has::<PrependedConcatenationMark>(c);
    is_format || has::<DefaultIgnorableCodePoint>(c)
}

/// Whether a character shows by itself. Unicode has no property for symbols without ink: Braille without dots, the null
/// notehead, and the place of an object that is not there.
fn is_visible(c: char) -> bool {
    let drawn = [
        GeneralCategoryGroup::Letter,
        GeneralCategoryGroup::Number,
        GeneralCategoryGroup::Punctuation,
        GeneralCategoryGroup::Symbol,
    ];
    drawn.into_iter().any(|group| is_in(c, group))
        && !is_ignored(c)
        && !['\u{2800}', '\u{1d159}', '\u{fffc}'].contains(&c)
}

fn is_in(c: char, group: GeneralCategoryGroup) -> bool {
    group.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

fn has<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}

impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DisplayName(<redacted>)")
    }
}

#[cfg(test)]
mod tests {
    use icu_properties::props::BidiControl;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_trimmed_bounded_and_free_of_control_characters() {
        assert_eq!(DisplayName::parse("  Ada Lovelace ").map(|n| n.as_str().to_owned()).as_deref(), Ok("Ada Lovelace"));
        assert_eq!(DisplayName::parse(" \t "), Err(InvalidName::Empty));
        assert_eq!(DisplayName::parse("Ada\nBcc: x"), Err(InvalidName::ControlCharacter));
        assert!(DisplayName::parse(&"ä".repeat(MAX_NAME)).is_ok());
        assert_eq!(DisplayName::parse(&"ä".repeat(MAX_NAME + 1)), Err(InvalidName::TooLong));
    }

    fn read(raw: &str) -> Option<String> {
        DisplayName::parse(raw).ok().map(|name| name.as_str().to_owned())
    }

    #[test]
    fn sec_en_08_a_name_that_nobody_can_see_is_none() {
        for (what, raw) in [
            ("zero-width space", "\u{200b}"),
            ("joiners", "\u{200d}\u{200c}"),
            ("word joiner and byte order mark", "\u{2060}\u{feff}"),
            ("soft hyphen", "\u{ad}"),
            ("Hangul fillers", "\u{3164}\u{115f}\u{1160}\u{ffa0}"),
            ("Braille without dots", "\u{2800}\u{2800}"),
            ("tags", "\u{e0041}\u{e0064}\u{e0061}"),
            ("variation selectors", "\u{fe0f}\u{e0100}\u{180b}"),
            ("marks of direction", "\u{200e}\u{200f}\u{61c}"),
            ("an override and its end", "\u{202e}\u{202c}"),
            ("isolates", "\u{2066}\u{2069}"),
            ("combining marks alone", "\u{301}\u{20dd}"),
            ("a combining mark on a space", "\u{a0}\u{301}"),
            ("the joiner of graphemes", "\u{34f}"),
            ("vowels that nobody writes", "\u{17b4}\u{17b5}"),
            ("annotations", "\u{fff9}\u{fffb}"),
            ("an invisible notehead", "\u{1d159}"),
            ("an object's place", "\u{fffc}"),
            ("private use", "\u{e000}"),
            ("what is not assigned", "\u{fffe}\u{378}"),
            ("spaces of every width", "\u{2003}\u{3000}\u{202f}"),
            ("invisible operators", "\u{2061}\u{2063}"),
            ("format controls of shorthand", "\u{1bca0}\u{1d173}"),
        ] {
            assert_eq!(read(raw), None, "{what}");
            assert_eq!(read(&format!(" {raw}\u{200b} ")), None, "{what}, and more of the kind");
        }
    }

    #[test]
    fn sec_en_08_marks_of_direction_reorder_nothing_and_refuse_nobody() {
        for (raw, kept) in [
            ("Ada\u{202e}", "Ada"),
            ("\u{200f}שרה\u{200f}", "שרה"),
            ("محمد\u{200e}", "محمد"),
            ("Ada \u{202e}ecalevoL\u{202c}", "Ada ecalevoL"),
            ("\u{2067}Ada\u{2069}", "Ada"),
            ("A\u{200b}d\u{ad}a", "Ada"),
            ("\u{feff}Ada", "Ada"),
            ("Ada\u{61c}\u{200d}", "Ada"),
        ] {
            assert_eq!(read(raw).as_deref(), Some(kept), "{raw:?}");
        }
    }

    #[test]
    fn names_of_every_script_stay_as_they_are_written() {
        for name in [
            "میرزا\u{200c}خان", // Persian needs the non-joiner.
            "ක්\u{200d}රිස්",      // Sinhala needs the joiner.
            "葛\u{e0100}城",    // A name's own form of a character.
            "👩\u{200d}🚀",
            "❤\u{fe0f}",
            "山田\u{3000}太郎",
            "Nguyễn Thị Minh Khai",
            "ชื่อ",
            "Ø",
            "—",
            "X Æ A-12",
            "O’Brien-Smith, \"Jr.\"",
        ] {
            assert_eq!(read(name).as_deref(), Some(name));
        }
    }

    #[test]
    fn an_importer_keeps_what_can_be_kept_of_a_name() {
        let clean = |raw: &str| DisplayName::clean(raw).map(|name| name.as_str().to_owned());
        assert_eq!(clean("Ada\r\nLovelace\t").as_deref(), Some("Ada Lovelace"));
        assert_eq!(clean("\u{202e}Ada").as_deref(), Some("Ada"));
        assert_eq!(clean(&"ä".repeat(1000)), Some("ä".repeat(MAX_NAME)));
        assert_eq!(clean(&format!("{} b", "a".repeat(MAX_NAME - 1))), Some("a".repeat(MAX_NAME - 1)));
        for raw in ["", " ", "\n", "\u{200b}", "\u{2800}"] {
            assert_eq!(clean(raw), None, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn sec_en_08_a_name_stands_for_itself_and_shows_something(raw in "\\PC{0,40}|[\\p{Cf}\\p{M}\\p{L}\\p{So}\\p{Zs}]{0,20}|\\p{any}{0,20}") {
            if let Ok(name) = DisplayName::parse(&raw) {
                let text = name.as_str();
                prop_assert_eq!(DisplayName::parse(text), Ok(name.clone()));
                prop_assert_eq!(DisplayName::clean(&raw), Some(name.clone()));
                prop_assert!(text.chars().any(is_visible) && !text.chars().any(is_control));
                prop_assert!(!text.chars().any(has::<BidiControl>));
            } else if let Some(name) = DisplayName::clean(&raw) {
                prop_assert_eq!(DisplayName::parse(name.as_str()), Ok(name.clone()));
            }
        }
    }

    #[test]
    fn sec_en_08_control_characters_and_line_breaks_are_refused() {
        for c in ['\n', '\r', '\t', '\0', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}'] {
            assert_eq!(DisplayName::parse(&format!("Ada{c}Lovelace")), Err(InvalidName::ControlCharacter), "{c:?}");
        }
    }
}
