//! Base32: five bits a character.

use zeroize::Zeroizing;

/// RFC 4648's alphabet, which authenticator apps read.
pub const RFC_4648: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Crockford's: no letters that are taken for digits.
pub const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The characters of `bytes`, without padding.
pub fn encode(bytes: &[u8], alphabet: &[u8; 32]) -> Zeroizing<String> {
    // As long as it will be, so that no part of it stays behind where it grew out of.
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(5) * 8));
    for chunk in bytes.chunks(5) {
        let bits = (0..5).fold(0_u64, |bits, index| bits << 8 | chunk.get(index).map_or(0, |byte| u64::from(*byte)));
        for index in 0..(chunk.len() * 8).div_ceil(5) {
            let digit = usize::try_from(bits >> (35 - index * 5) & 31).unwrap_or_default();
            text.extend(alphabet.get(digit).map(|digit| char::from(*digit)));
        }
    }
    text
}

/// The whole bytes that `text` stands for, without padding. `None` where a character is none of the alphabet.
pub fn decode(text: &str, alphabet: &[u8; 32]) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 5 / 8));
    let (mut bits, mut held) = (0_u32, 0);
    for character in text.bytes() {
        let digit = alphabet.iter().position(|it| *it == character)?;
        bits = bits << 5 | u32::try_from(digit).ok()?;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// What a person typed of Crockford's base32: however it is spaced, in either case, and with the letters that it leaves
/// out read as the digits they look like.
pub fn as_typed(text: &str) -> Zeroizing<String> {
    let mut read = Zeroizing::new(String::with_capacity(text.len()));
    read.extend(text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| match c.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    }));
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10, without its padding.
    #[test]
    fn encodes_and_decodes_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (bytes, text) in vectors {
            assert_eq!(*encode(bytes.as_bytes(), RFC_4648), text);
            assert_eq!(decode(text, RFC_4648).unwrap().as_slice(), bytes.as_bytes());
        }
        assert!(decode("MZXW1", RFC_4648).is_none());
        assert_eq!(*encode(&[0xff; 15], CROCKFORD), "Z".repeat(24));
        assert_eq!(*encode(&[0x00, 0x44, 0x32, 0x14, 0xc7], CROCKFORD), "01234567");
    }

    #[test]
    fn is_read_as_people_type_it() {
        assert_eq!(*as_typed(" 0o1l-iabc\u{a0}d\n"), "00111ABCD");
        assert_eq!(*as_typed("\u{1f}é"), "\u{1f}é");
    }
}
