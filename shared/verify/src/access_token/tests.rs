use serde_json::{Value, json};

use super::AccessToken;
use crate::signed::{claims, claims_with};

fn read(claims: Value) -> Result<AccessToken, String> {
    serde_json::from_value(claims).map_err(|error| error.to_string())
}

#[test]
fn serde_gives_back_what_it_took() {
    for claims in [
        claims(),
        claims_with(&json!({"nbf": 5, "aud": ["a", "b"]})),
        claims_with(&json!({"sid": null, "auth_time": null, "amr": null, "roles": null})),
    ] {
        let token = read(claims.clone()).unwrap();
        assert_eq!(serde_json::to_value(&token).unwrap(), claims);
    }
}

#[test]
fn deserialize_is_as_strict_as_verify() {
    let twice = claims().to_string().replacen('{', r#"{"sub":"root","#, 1);
    assert!(serde_json::from_str::<AccessToken>(&twice).is_err());
    assert_eq!(read(claims_with(&json!({"exp": null}))).unwrap_err(), "missing claim: exp");
    assert_eq!(read(claims_with(&json!({"exp": "5"}))).unwrap_err(), "invalid claim: exp");
    assert!(read(json!(["iss", "sub"])).is_err());
}

#[test]
fn a_scope_matches_whole_and_case_sensitively() {
    let token = read(claims_with(&json!({"scope": "orders:read orders:write"}))).unwrap();
    assert!(token.has_scope("orders:read") && token.has_scope("orders:write"));
    for absent in ["", " ", "orders", "orders:rea", "Orders:read", "orders:read orders:write"] {
        assert!(!token.has_scope(absent), "{absent:?}");
    }
    let none = read(claims_with(&json!({"scope": ""}))).unwrap();
    assert!(!none.has_scope(""));
}

#[test]
fn a_scope_with_odd_separators_is_invalid() {
    for scope in ["a  b", " a", "a ", " ", "a\tb", "a\nb", "a\u{a0}b", "a\"b", "a\\b", "é"] {
        let error = read(claims_with(&json!({"scope": scope}))).unwrap_err();
        assert_eq!(error, "invalid claim: scope", "{scope:?}");
    }
}
