use proptest::prelude::*;

use crate::crypto::webauthn::cbor::{MAX_DEPTH, Value};
use crate::crypto::webauthn::errors::CborError;
use crate::crypto::webauthn::tests::encoded;

#[track_caller]
fn refuses(bytes: &[u8], error: CborError) {
    assert_eq!(Value::parse(bytes), Err(error), "{bytes:02x?}");
}

/// What of RFC 8949, appendix A, authenticators may write.
#[test]
fn reads_the_examples_of_rfc_8949() {
    let numbers: [(i64, &[u8]); 14] = [
        (0, b"\x00"),
        (23, b"\x17"),
        (24, b"\x18\x18"),
        (100, b"\x18\x64"),
        (1000, b"\x19\x03\xe8"),
        (1_000_000, b"\x1a\x00\x0f\x42\x40"),
        (1_000_000_000_000, b"\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00"),
        (i64::MAX, b"\x1b\x7f\xff\xff\xff\xff\xff\xff\xff"),
        (-1, b"\x20"),
        (-10, b"\x29"),
        (-100, b"\x38\x63"),
        (-1000, b"\x39\x03\xe7"),
        (-257, b"\x39\x01\x00"),
        (i64::MIN, b"\x3b\x7f\xff\xff\xff\xff\xff\xff\xff"),
    ];
    for (number, bytes) in numbers {
        let value = Value::parse(bytes).unwrap();
        assert_eq!(value.integer(), Some(number));
        assert_eq!((encoded(&Value::from(number)), value), (bytes.to_vec(), Value::from(number)));
    }
    assert_eq!(Value::parse(b"\x1b\xff\xff\xff\xff\xff\xff\xff\xff"), Ok(Value::Unsigned(u64::MAX)));
    assert_eq!(Value::Unsigned(u64::MAX).integer(), None);
    let text = Value::Text;
    let others: [(&[u8], Value<'_>); 9] = [
        (b"\xf4", Value::Bool(false)),
        (b"\xf5", Value::Bool(true)),
        (b"\xf6", Value::Null),
        (b"\x44\x01\x02\x03\x04", Value::Bytes(&[1, 2, 3, 4])),
        (b"\x60", text("")),
        (b"\x62\xc3\xbc", text("\u{fc}")),
        (b"\x80", Value::Array(vec![])),
        (b"\x82\x01\x82\x02\x03", Value::Array(vec![1.into(), Value::Array(vec![2.into(), 3.into()])])),
        (b"\xa2\x61\x61\x01\x61\x62\x80", Value::Map(vec![(text("a"), 1.into()), (text("b"), Value::Array(vec![]))])),
    ];
    for (bytes, value) in others {
        assert_eq!((Value::parse(bytes).as_ref(), encoded(&value)), (Ok(&value), bytes.to_vec()));
    }
}

#[test]
fn sec_mf_11_what_has_no_definite_length_or_type_of_ours_is_refused() {
    for bytes in [&b"\x5f\x41\x00\xff"[..], b"\x7f\x60\xff", b"\x9f\xff", b"\xbf\xff", b"\x1f", b"\x3f"] {
        refuses(bytes, CborError::Indefinite);
    }
    // A tag, undefined, a half, a float, a simple value, a break, and what is not assigned.
    for bytes in [&b"\xc0\x60"[..], b"\xf7", b"\xf9\x00\x00", b"\xfb\x00\x00", b"\xf8\xff", b"\xff", b"\xe0", b"\x1c"] {
        refuses(bytes, CborError::Unsupported);
    }
}

#[test]
fn sec_mf_11_a_number_or_length_that_could_be_shorter_is_refused() {
    let longer: [&[u8]; 4] =
        [b"\x18\x17", b"\x19\x00\xff", b"\x1a\x00\x00\xff\xff", b"\x1b\x00\x00\x00\x00\xff\xff\xff\xff"];
    for number in longer {
        for kind in 0..6 {
            let mut bytes = number.to_vec();
            bytes[0] |= kind << 5;
            refuses(&bytes, CborError::NotShortest);
        }
    }
}

#[test]
fn sec_mf_11_nothing_is_missing_and_nothing_left_over() {
    for bytes in [
        &b""[..],
        b"\x18",
        b"\x19\x01",
        b"\x42\x01",
        b"\x61",
        b"\x81",
        b"\xa1\x01",
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        refuses(bytes, CborError::Truncated);
    }
    refuses(b"\x00\x00", CborError::TrailingBytes);
    refuses(b"\x61\xff", CborError::NotUtf8);
}

#[test]
fn sec_mf_11_depth_and_entries_are_bounded_before_they_cost_anything() {
    let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
    assert!(Value::parse(&nested(MAX_DEPTH)).is_ok());
    refuses(&nested(MAX_DEPTH + 1), CborError::TooDeep);
    refuses(&nested(100_000), CborError::TooDeep);
    assert!(Value::parse(&[vec![0x98, 64], vec![0x00; 64]].concat()).is_ok());
    refuses(&[vec![0x98, 65], vec![0x00; 65]].concat(), CborError::TooManyEntries);
    // Neither asks for the memory that it claims.
    refuses(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", CborError::TooManyEntries);
    refuses(b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff", CborError::TooManyEntries);
}

#[test]
fn sec_mf_11_a_map_has_no_key_twice_at_any_depth() {
    refuses(b"\xa2\x01\x00\x01\x01", CborError::RepeatedKey);
    refuses(b"\x81\xa2\x61\x61\x00\x61\x61\x00", CborError::RepeatedKey);
    refuses(b"\xa2\x81\x01\x00\x81\x01\x00", CborError::RepeatedKey);
    // A text is no byte string.
    assert!(Value::parse(b"\xa2\x61\x61\x00\x41\x61\x00").is_ok());
}

proptest! {
    #[test]
    fn sec_mf_11_what_is_read_has_one_spelling(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        if let Ok((value, rest)) = Value::parse_first(&bytes) {
            prop_assert_eq!([&encoded(&value)[..], rest].concat(), bytes);
        }
    }
}
