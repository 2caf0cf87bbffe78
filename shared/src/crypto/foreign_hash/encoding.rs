//! The texts that hashes are written in.

use base64::Engine as _;
use base64::alphabet::{BCRYPT, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::RefusedHash;

/// With padding or without: PHC strings have none, Django and Firebase do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Base64 in any of the spellings in use: standard, passlib's with `.` for `+`, Firebase's web-safe one.
pub(super) fn base64(text: &str) -> Result<Zeroizing<Vec<u8>>, RefusedHash> {
    let standard: Zeroizing<String> = Zeroizing::new(
        text.chars()
            .map(|character| match character {
                '.' | '-' => '+',
                '_' => '/',
                other => other,
            })
            .collect(),
    );
    LENIENT.decode(standard.as_bytes()).map(Zeroizing::new).map_err(|_| RefusedHash::Malformed)
}

/// bcrypt's own alphabet. Some implementations leave bits in a salt's last character that nobody reads.
pub(super) const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &BCRYPT,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true),
);

/// A number without sign or superfluous zeros.
pub(super) fn number(text: &str) -> Result<u32, RefusedHash> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| RefusedHash::Malformed) } else { Err(RefusedHash::Malformed) }
}

/// The fields of `$scheme$parameters$salt$hash`.
pub(super) fn phc(text: &str) -> Result<[&str; 4], RefusedHash> {
    let fields: Vec<&str> = text.split('$').collect();
    match fields.as_slice() {
        ["", scheme, parameters, salt, hash] => Ok([scheme, parameters, salt, hash]),
        _ => Err(RefusedHash::Malformed),
    }
}

/// The values of comma-separated parameters, each at most once. One that is not among `names` is refused: it may change
/// what the hash means.
pub(super) fn parameters<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<[Option<&'a str>; N], RefusedHash> {
    let mut values = [None; N];
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or(RefusedHash::Malformed)?;
        let place = names.iter().zip(&mut values).find(|(known, _)| **known == name);
        match place {
            Some((_, place @ None)) => *place = Some(value),
            _ => return Err(RefusedHash::Malformed),
        }
    }
    Ok(values)
}
