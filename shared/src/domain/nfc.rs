//! Unicode's canonical composition, with the tables that IDNA has already brought into every binary.

use icu_normalizer::ComposingNormalizerBorrowed;

/// `text` in NFC, a code point at a time: no buffer keeps the whole of what may be a password.
pub fn composed(text: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    const { ComposingNormalizerBorrowed::new_nfc() }.normalize_iter(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization;

    proptest! {
        #[test]
        fn sec_pw_03_another_implementation_composes_alike(text in "\\PC*", marks in "[a-zA-Z\u{300}-\u{36f}가-힣ᄀ-ᇿ\u{0f71}-\u{0f84}]*") {
            for text in [text, marks] {
                prop_assert_eq!(super::composed(text.chars()).collect::<String>(), text.nfc().collect::<String>());
            }
        }
    }
}
