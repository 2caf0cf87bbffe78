use serde_json::{Value, json};

use super::KeySet;
use crate::KeySetError;
use crate::signed::{RSA_2048, decode, eddsa, encode, es256, rs256};

fn parse(keys: &[Value]) -> Result<KeySet, KeySetError> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

fn with(mut jwk: Value, name: &str, value: impl Into<Value>) -> Value {
    jwk[name] = value.into();
    jwk
}

fn without(mut jwk: Value, name: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(name);
    jwk
}

#[test]
fn keys_of_every_supported_algorithm_are_found_by_kid() {
    let keys = parse(&[rs256().jwk(), es256().jwk(), eddsa().jwk()]).unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys.contains("rsa-1") && keys.contains("ec-1") && keys.contains("ed-1"));
    assert!(!keys.contains("RSA-1") && !keys.contains(""));
    assert!(!keys.is_empty());
}

#[test]
fn an_empty_set_is_a_set() {
    assert!(parse(&[]).unwrap().is_empty());
    assert!(KeySet::default().is_empty());
}

#[test]
fn keys_of_other_algorithms_are_skipped() {
    let keys = parse(&[
        with(with(rs256().jwk(), "alg", "PS512"), "kid", "pss"),
        json!({"kid": "pq", "kty": "AKP", "alg": "ML-DSA-65", "pub": "AAAA"}),
        json!({"kid": "new", "kty": "NEW"}),
        json!({"kid": "enc", "kty": "RSA", "alg": "RSA-OAEP-256", "use": "enc"}),
        es256().jwk(),
    ])
    .unwrap();
    assert_eq!(keys.len(), 1);
    assert!(keys.contains("ec-1"));
}

#[test]
fn documents_that_are_no_key_set_are_malformed() {
    for bad in [
        "",
        "null",
        "[]",
        "[[]]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[]} x"#,
        r#"{"keys":[["kid"]]}"#,
        // One kid for us, another for a parser that keeps the first.
        r#"{"keys":[{"kid":"a","kid":"b","kty":"NEW"}]}"#,
    ] {
        assert_eq!(KeySet::parse(bad.as_bytes()).unwrap_err(), KeySetError::Malformed, "{bad}");
    }
    let long = format!("{{\"keys\":[]}}{}", " ".repeat(64 * 1024));
    assert_eq!(KeySet::parse(long.as_bytes()).unwrap_err(), KeySetError::TooLong);
}

#[test]
fn sec_tk_03_a_kid_is_one_to_128_visible_ascii_characters() {
    assert!(parse(&[with(es256().jwk(), "kid", "k".repeat(128))]).is_ok());
    for bad in [json!(""), json!("k".repeat(129)), json!("a b"), json!("a\nb"), json!("é"), json!(7), Value::Null] {
        let error = parse(&[rs256().jwk(), with(es256().jwk(), "kid", bad.clone())]).unwrap_err();
        assert_eq!(error, KeySetError::InvalidKid { index: 1 }, "{bad}");
    }
    let error = parse(&[without(es256().jwk(), "kid")]).unwrap_err();
    assert_eq!(error, KeySetError::InvalidKid { index: 0 });
}

#[test]
fn sec_tk_02_a_kid_cannot_stand_for_two_keys() {
    let twins =
        [[rs256().jwk(), with(es256().jwk(), "kid", "rsa-1")], [json!({"kid": "rsa-1", "kty": "NEW"}), rs256().jwk()]];
    for twins in twins {
        let error = parse(&twins).unwrap_err();
        assert_eq!(error, KeySetError::DuplicateKid { kid: "rsa-1".to_owned() });
    }
}

#[test]
fn sec_tk_05_published_private_members_refuse_the_set() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"] {
        let error = parse(&[with(rs256().jwk(), name, "AAAA")]).unwrap_err();
        assert_eq!(error, KeySetError::PrivateKey { index: 0 }, "{name}");
    }
    let symmetric = json!({"kid": "mac", "kty": "oct", "alg": "HS256", "k": "AAAA"});
    assert_eq!(parse(&[symmetric]).unwrap_err(), KeySetError::PrivateKey { index: 0 });
}

#[test]
fn sec_tk_05_weak_and_odd_rsa_keys_are_refused() {
    let n = decode(rs256().jwk()["n"].as_str().unwrap());
    let leading_zero = [&[0], n.as_slice()].concat();
    let mut bits_2047 = n.clone();
    bits_2047[0] = 0x7f;
    let moduli = [vec![], vec![0xff; 128], n[..255].to_vec(), bits_2047, leading_zero, vec![0xff; 1025]];
    for n in moduli {
        let error = parse(&[with(rs256().jwk(), "n", encode(&n))]).unwrap_err();
        assert!(matches!(error, KeySetError::InvalidKey { kid, .. } if kid == "rsa-1"), "{}", n.len());
    }
    for e in ["Aw", "AQ", "AA", "AAEAAQ", "AQAD", "AQABAA"] {
        let error = parse(&[with(rs256().jwk(), "e", e)]).unwrap_err();
        assert!(matches!(error, KeySetError::InvalidKey { .. }), "{e}");
    }
}

#[test]
fn sec_tk_02_kty_and_crv_must_agree_with_alg() {
    for (jwk, name, value) in [
        (rs256().jwk(), "alg", "ES256"),
        (es256().jwk(), "alg", "RS256"),
        (eddsa().jwk(), "alg", "ES256"),
        (es256().jwk(), "crv", "P-384"),
        (es256().jwk(), "crv", "secp256k1"),
        (eddsa().jwk(), "crv", "X25519"),
        (eddsa().jwk(), "crv", "Ed448"),
        (rs256().jwk(), "kty", "oct"),
    ] {
        let kid = jwk["kid"].as_str().unwrap().to_owned();
        let error = parse(&[with(jwk, name, value)]).unwrap_err();
        assert!(matches!(error, KeySetError::InvalidKey { kid: named, .. } if named == kid), "{value}");
    }
}

#[test]
fn malformed_keys_of_supported_algorithms_are_refused() {
    let short = encode([1; 31]);
    let long = encode([1; 33]);
    for jwk in [
        without(rs256().jwk(), "alg"),
        with(rs256().jwk(), "alg", 1),
        without(rs256().jwk(), "n"),
        without(rs256().jwk(), "e"),
        with(rs256().jwk(), "e", "AQAB=="),
        with(rs256().jwk(), "e", 65537),
        with(rs256().jwk(), "use", "enc"),
        with(rs256().jwk(), "use", 1),
        with(rs256().jwk(), "key_ops", json!(["sign"])),
        with(rs256().jwk(), "key_ops", "verify"),
        without(es256().jwk(), "crv"),
        with(es256().jwk(), "x", short.as_str()),
        with(es256().jwk(), "y", long.as_str()),
        with(eddsa().jwk(), "x", short.as_str()),
        with(eddsa().jwk(), "x", long.as_str()),
        without(eddsa().jwk(), "x"),
    ] {
        let error = parse(std::slice::from_ref(&jwk)).unwrap_err();
        assert!(matches!(error, KeySetError::InvalidKey { .. }), "{jwk}");
    }
    assert!(parse(&[with(without(rs256().jwk(), "use"), "key_ops", json!(["verify"]))]).is_ok());
}

#[test]
fn sec_tk_05_debug_shows_no_key_material() {
    let shown = format!("{:?}", parse(&[rs256().jwk()]).unwrap());
    assert_eq!(shown, r#"{"rsa-1": RS256}"#);
    assert!(!format!("{:?}", rs256().private).contains(&format!("{:?}", &RSA_2048[..4])));
}
