//! CBOR from strangers: what is read has one spelling and keeps within bounds (MF-11).

use wardgate::crypto::webauthn::cbor::{MAX_DEPTH, MAX_ENTRIES, Value};
use wardgate::crypto::webauthn::cose::PublicKey;
use wardgate::crypto::webauthn::errors::{CborError, KeyError};

/// The input is a value, and whatever follows it.
pub(crate) fn run(data: &[u8]) {
    let whole = Value::parse(data);
    if let Err(error) = whole.as_ref() {
        assert!(PublicKey::parse(data) == Err(KeyError::Cbor(*error)), "a key that is not CBOR");
    }
    let Ok((value, rest)) = Value::parse_first(data) else { return };
    assert_eq!(whole.is_ok(), rest.is_empty());
    let mut encoded = Vec::new();
    value.encode(&mut encoded);
    assert!([&encoded, rest].concat() == data, "{value:?} has a second spelling");
    check(&value, 0);
    if let Some((_, cut)) = encoded.split_last() {
        assert_eq!(Value::parse(cut), Err(CborError::Truncated));
    }
    encoded.push(0);
    assert_eq!(Value::parse(&encoded), Err(CborError::TrailingBytes));
}

fn check(value: &Value<'_>, depth: usize) {
    let (length, inner): (usize, Vec<&Value<'_>>) = match value {
        Value::Array(values) => (values.len(), values.iter().collect()),
        Value::Map(entries) => {
            for (index, (key, _)) in entries.iter().enumerate() {
                assert!(entries.iter().skip(index + 1).all(|(other, _)| other != key), "{key:?} stands twice");
            }
            (entries.len(), entries.iter().flat_map(|(key, value)| [key, value]).collect())
        }
        _ => return,
    };
    assert!(depth < MAX_DEPTH && length as u64 <= MAX_ENTRIES, "{value:?}");
    for value in inner {
        check(value, depth + 1);
    }
}
