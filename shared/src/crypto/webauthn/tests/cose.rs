use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaKeyPair,
};

use crate::crypto::webauthn::cbor::Value;
use crate::crypto::webauthn::cose::{Algorithm, PublicKey, WrongSignature};
use crate::crypto::webauthn::errors::{CborError, KeyError};
use crate::crypto::webauthn::tests::encoded;

const MESSAGE: &[u8] = b"message";

/// A key as a list of its parameters.
type Parameters<'a> = Vec<(i64, Value<'a>)>;

fn parse(parameters: &Parameters<'_>) -> Result<Algorithm, KeyError> {
    let entries = parameters.iter().map(|(label, value)| (Value::from(*label), value.clone()));
    PublicKey::parse(&encoded(&Value::Map(entries.collect()))).map(|key| key.algorithm)
}

fn es256<'a>(x: &'a [u8], y: &'a [u8]) -> Parameters<'a> {
    vec![(1, 2.into()), (3, (-7).into()), (-1, 1.into()), (-2, Value::Bytes(x)), (-3, Value::Bytes(y))]
}

fn eddsa(x: &[u8]) -> Parameters<'_> {
    vec![(1, 1.into()), (3, (-8).into()), (-1, 6.into()), (-2, Value::Bytes(x))]
}

fn rs256<'a>(modulus: &'a [u8], exponent: &'a [u8]) -> Parameters<'a> {
    vec![(1, 3.into()), (3, (-257).into()), (-1, Value::Bytes(modulus)), (-2, Value::Bytes(exponent))]
}

/// The same with another value under this label, or without it.
fn with<'a>(parameters: &Parameters<'a>, label: i64, value: Option<Value<'a>>) -> Parameters<'a> {
    let mut changed = parameters.clone();
    changed.retain(|(other, _)| *other != label);
    changed.extend(value.map(|value| (label, value)));
    changed
}

#[test]
fn sec_mf_12_what_is_offered_is_taken_the_most_wanted_first() {
    assert_eq!(Algorithm::OFFERED.map(Algorithm::identifier), [-7, -8, -257]);
    let modulus = [1; 256];
    assert_eq!(parse(&es256(&[1; 32], &[2; 32])), Ok(Algorithm::Es256));
    assert_eq!(parse(&eddsa(&[1; 32])), Ok(Algorithm::EdDsa));
    // 01 begins with seven zero bits.
    assert_eq!(parse(&rs256(&modulus, &[1, 0, 1])), Err(KeyError::Modulus));
    assert_eq!(parse(&rs256(&[0xff; 256], &[1, 0, 1])), Ok(Algorithm::Rs256));
}

#[test]
fn sec_mf_12_each_parameter_is_that_of_the_algorithm() {
    let (x, modulus) = ([1; 32], [0xff; 256]);
    let (es256, eddsa, rs256) = (es256(&x, &x), eddsa(&x), rs256(&modulus, &[1, 0, 1]));
    // Others of COSE: ES384, ES512, PS256, RS1, ES256K, ESP256, Ed25519, Ed448; and none.
    for other in [-35, -36, -37, -65535, -47, -9, -19, -53, 7, 0] {
        for key in [&es256, &eddsa, &rs256] {
            assert_eq!(parse(&with(key, 3, Some(other.into()))), Err(KeyError::Algorithm), "{other}");
        }
    }
    for (key, key_type) in [(&es256, 2), (&eddsa, 1), (&rs256, 3)] {
        assert_eq!(parse(&with(key, 3, None)), Err(KeyError::Algorithm));
        assert_eq!(parse(&with(key, 3, Some(Value::Text("ES256")))), Err(KeyError::Algorithm));
        for other in (0..6).filter(|other| *other != key_type) {
            assert_eq!(parse(&with(key, 1, Some(other.into()))), Err(KeyError::KeyType));
        }
        assert_eq!(parse(&with(key, 1, None)), Err(KeyError::KeyType));
        // An identifier, operations, and a private key are of no use.
        for (label, value) in [(2, Value::Bytes(b"id")), (4, Value::Array(vec![2.into()])), (-4, Value::Bytes(&x))] {
            assert_eq!(parse(&with(key, label, Some(value))), Err(KeyError::Parameters), "{label}");
        }
    }
    for (key, curve) in [(&es256, 1), (&eddsa, 6)] {
        for other in (0..9).filter(|other| *other != curve) {
            assert_eq!(parse(&with(key, -1, Some(other.into()))), Err(KeyError::Curve));
        }
        assert_eq!(parse(&with(key, -1, None)), Err(KeyError::Curve));
    }
}

#[test]
fn sec_mf_12_a_point_is_whole_and_not_compressed() {
    let (x, long) = ([1; 32], [1; 33]);
    for bad in [None, Some(Value::Bytes(&x[..31])), Some(Value::Bytes(&long)), Some(1.into()), Some(Value::Bytes(&[]))]
    {
        assert_eq!(parse(&with(&es256(&x, &x), -2, bad.clone())), Err(KeyError::Point), "{bad:?}");
        assert_eq!(parse(&with(&es256(&x, &x), -3, bad.clone())), Err(KeyError::Point), "{bad:?}");
        assert_eq!(parse(&with(&eddsa(&x), -2, bad.clone())), Err(KeyError::Point), "{bad:?}");
    }
    // The sign of y, as a compressed point has it.
    assert_eq!(parse(&with(&es256(&x, &x), -3, Some(Value::Bool(true)))), Err(KeyError::Point));
}

#[test]
fn sec_mf_12_rsa_has_2048_to_8192_bits() {
    // Of so many bits, the first and the last one set.
    let modulus = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        bytes
    };
    for (bits, taken) in
        [(1024, false), (2047, false), (2048, true), (3072, true), (3482, true), (8192, true), (8193, false)]
    {
        let expected = if taken { Ok(Algorithm::Rs256) } else { Err(KeyError::Modulus) };
        assert_eq!(parse(&rs256(&modulus(bits), &[1, 0, 1])), expected, "{bits}");
    }
    let (leading_zero, even) = ([&[0], &modulus(2048)[..]].concat(), [&modulus(2040)[..], &[0xfe]].concat());
    for bad in [Value::Bytes(&leading_zero), Value::Bytes(&even), Value::Bytes(&[]), 3.into()] {
        let good = modulus(2048);
        assert_eq!(parse(&with(&rs256(&good, &[1, 0, 1]), -1, Some(bad))), Err(KeyError::Modulus));
    }
    let exponents: [(&[u8], bool); 9] = [
        (&[1, 0, 1], true),
        (&[1, 0, 3], true),
        (&[1, 0xff, 0xff, 0xff, 0xff], true),
        (&[2, 0, 0, 0, 1], false),
        (&[3], false),
        (&[1, 0, 0], false),
        (&[0, 1, 0, 1], false),
        (&[], false),
        (&[1, 0, 0, 0, 0, 0, 0, 0, 1], false),
    ];
    for (exponent, taken) in exponents {
        let expected = if taken { Ok(Algorithm::Rs256) } else { Err(KeyError::Exponent) };
        assert_eq!(parse(&rs256(&modulus(2048), exponent)), expected, "{exponent:?}");
    }
}

#[test]
fn sec_mf_11_a_key_is_one_map_and_nothing_else() {
    assert_eq!(PublicKey::parse(b"\x80"), Err(KeyError::NotAMap));
    assert_eq!(PublicKey::parse(b""), Err(KeyError::Cbor(CborError::Truncated)));
    assert_eq!(PublicKey::parse(b"\xa0\x00"), Err(KeyError::Cbor(CborError::TrailingBytes)));
    assert_eq!(PublicKey::parse(b"\xa2\x03\x26\x03\x26"), Err(KeyError::Cbor(CborError::RepeatedKey)));
}

#[test]
fn a_signature_is_taken_from_its_own_key_in_its_own_form() {
    let random = SystemRandom::new();
    let verify = |parameters: &Parameters<'_>, message: &[u8], signature: &[u8]| {
        let entries = parameters.iter().map(|(label, value)| (Value::from(*label), value.clone())).collect();
        PublicKey::of(&Value::Map(entries)).unwrap().verify(message, signature)
    };

    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let signature = pair.sign(&random, MESSAGE).unwrap();
    assert_eq!(verify(&es256(x, y), MESSAGE, signature.as_ref()), Ok(()));
    assert_eq!(verify(&es256(x, y), b"another", signature.as_ref()), Err(WrongSignature));
    assert_eq!(verify(&es256(y, x), MESSAGE, signature.as_ref()), Err(WrongSignature));
    // As tokens have it, and not authenticators.
    let fixed = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
    let fixed = fixed.sign(&random, MESSAGE).unwrap();
    assert_eq!(verify(&es256(x, y), MESSAGE, fixed.as_ref()), Err(WrongSignature));

    let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
    let x = pair.public_key().as_ref();
    assert_eq!(verify(&eddsa(x), MESSAGE, pair.sign(MESSAGE).as_ref()), Ok(()));
    assert_eq!(verify(&eddsa(x), b"another", pair.sign(MESSAGE).as_ref()), Err(WrongSignature));

    let pair = RsaKeyPair::from_pkcs8(include_bytes!("../../../../verify/testdata/rsa-2048.pkcs8.der")).unwrap();
    let public = rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public());
    for (padding, expected) in [(&RSA_PKCS1_SHA256, Ok(())), (&RSA_PKCS1_SHA512, Err(WrongSignature))] {
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(padding, &random, MESSAGE, &mut signature).unwrap();
        assert_eq!(verify(&rs256(&public.n, &public.e), MESSAGE, &signature), expected);
        assert_eq!(verify(&rs256(&public.n, &public.e), b"another", &signature), Err(WrongSignature));
    }
}
