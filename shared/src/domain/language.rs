//! The languages of mails and pages.

use serde::{Deserialize, Serialize};

/// A language that every mail and page exists in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English, for everybody who has not asked for another one.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German.
    #[serde(rename = "de")]
    German,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// The first of these that exists: tags with spaces between, the most liked first.
    pub fn first_of(tags: &str) -> Option<Self> {
        tags.split(' ').find_map(|tag| {
            let primary = tag.split('-').next().unwrap_or_default();
            Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
        })
    }

    /// The language that an `Accept-Language` field likes best (RFC 9110, 12.5.4). Regions do not matter: `de-AT` is
    /// German. Of equals the first named wins; `*` and what cannot be read is passed over.
    pub fn negotiate(accept_language: Option<&str>) -> Self {
        let mut best = (0.0, Self::default());
        for range in accept_language.unwrap_or_default().split(',') {
            let mut parts = range.split(';').map(str::trim);
            let primary = parts.next().and_then(|tag| tag.split('-').next()).unwrap_or_default();
            let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            let quality = quality.map_or(1.0, |value| value.parse::<f32>().unwrap_or(0.0));
            let language = Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary));
            if let Some(language) = language
                && (0.0..=1.0).contains(&quality)
                && quality > best.0
            {
                best = (quality, language);
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_that_exists_is_taken() {
        for (header, expected) in [
            ("de", Language::German),
            ("DE-at, en;q=0.9", Language::German),
            ("en;q=0.8, de;q=0.9", Language::German),
            ("fr, de;q=0.3, en;q=0.2", Language::German),
            ("en, de", Language::English),
            ("de;q=0, *", Language::English),
            ("de;q=2, en;q=0.1", Language::English),
            ("de;q=NaN", Language::English),
            ("de;q=", Language::English),
            ("den", Language::English),
            ("fr", Language::English),
            (",;q=,-", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::negotiate(Some(header)), expected, "{header}");
        }
        assert_eq!(Language::negotiate(None), Language::English);
    }

    #[test]
    fn of_a_list_the_first_one_that_exists_is_taken() {
        assert_eq!(Language::first_of("fr de-AT en"), Some(Language::German));
        assert_eq!(Language::first_of("EN de"), Some(Language::English));
        assert_eq!(Language::first_of("fr  den"), None);
    }

    #[test]
    fn languages_are_stored_as_their_tags() {
        for language in Language::ALL {
            let json = serde_json::to_string(&language).unwrap();
            assert_eq!(json, format!("\"{}\"", language.tag()));
            assert_eq!(serde_json::from_str::<Language>(&json).unwrap(), language);
        }
    }
}
