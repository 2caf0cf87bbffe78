//! Tokens whose signature is right and whose payload is no set of claims.

use serde_json::json;

use crate::Case;
use crate::cases::{claims, claims_with};
use crate::keys::{Keys, encode};

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    [payloads(keys), claims_of_wrong_type(keys)].into_iter().flatten().collect()
}

/// Signed, and yet no claims.
fn payloads(keys: &Keys) -> Vec<Case> {
    let raw = |name: &str, payload: &[u8], verdict: &str| {
        Case::new(format!("payload: {name}"), &keys.ed.sign(keys.ed.header().to_string(), payload), verdict)
    };
    let text = claims().to_string();
    let with = |member: &str| text.replacen('{', &format!("{{{member},"), 1);
    let nested = |depth: usize| with(&format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth)));
    let broken = [text.as_bytes().strip_suffix(b"}").unwrap(), b",\"x\":\"\xff\"}"].concat();
    let header = encode(keys.ed.header().to_string());
    vec![
        raw("an array", b"[]", "malformed"),
        raw("null", b"null", "malformed"),
        raw("empty text", b"\"\"", "malformed"),
        raw("two objects", b"{} {}", "malformed"),
        raw("not JSON", b"hello", "malformed"),
        raw("not UTF-8", &broken, "malformed"),
        raw("a byte order mark", format!("\u{feff}{text}").as_bytes(), "malformed"),
        raw("sub twice", with(r#""sub":"root""#).as_bytes(), "malformed"),
        raw("exp twice", with(r#""exp":9999999999"#).as_bytes(), "malformed"),
        raw("sub twice, once escaped", with(r#""\u0073ub":"root""#).as_bytes(), "malformed"),
        raw("__proto__ twice", with(r#""__proto__":1,"__proto__":2"#).as_bytes(), "malformed"),
        raw("__proto__ once", with(r#""__proto__":{"sub":"root"}"#).as_bytes(), "ok"),
        raw("a name twice, deeper down", with(r#""x":{"a":1,"a":2}"#).as_bytes(), "ok"),
        raw("a name that is in a text, too", with(r#""x":"\",\"sub\":\"root""#).as_bytes(), "ok"),
        raw("half a letter", with(r#""x":"\ud800""#).as_bytes(), "malformed"),
        raw("half a letter, deep down", with(r#""x":[{"\udc00":1}]"#).as_bytes(), "malformed"),
        raw("a letter in halves", with(r#""x":"\ud83c\udf37""#).as_bytes(), "ok"),
        raw("a number that is too large", with(r#""x":1e999"#).as_bytes(), "malformed"),
        raw("a number with a zero before", with(r#""x":01"#).as_bytes(), "malformed"),
        raw("126 arrays deep", nested(126).as_bytes(), "ok"),
        raw("127 arrays deep", nested(127).as_bytes(), "malformed"),
        raw("1,000 arrays deep", nested(1000).as_bytes(), "malformed"),
        Case::new("payload: not base64url", &keys.ed.sign_parts(&header, "not*base64"), "malformed"),
        Case::new("payload: with padding", &keys.ed.sign_parts(&header, &format!("{}=", encode("{}"))), "malformed"),
        Case::new("payload: empty", &keys.ed.sign_parts(&header, ""), "malformed"),
    ]
}

fn claims_of_wrong_type(keys: &Keys) -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: String, payload: &str, verdict: String| {
        cases.push(Case::new(name, &keys.ed.sign(keys.ed.header().to_string(), payload), verdict));
    };
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        case(format!("no {name}"), &claims_with(&json!({ name: null })).to_string(), format!("missing_claim {name}"));
    }
    // As text, since JSON's own writer would change some.
    let wrong = [
        ("iss", r#""""#),
        ("sub", "1"),
        ("sub", "null"),
        ("sub", r#"["a"]"#),
        ("jti", "true"),
        ("client_id", "{}"),
        ("sid", "1"),
        ("sid", r#""""#),
        ("acr", "2"),
        ("acr", r#""""#),
        ("acr", r#"["phr"]"#),
        ("aud", r#""""#),
        ("aud", "1"),
        ("aud", r#"["https://api.example.com",""]"#),
        ("aud", r#"["https://api.example.com",null]"#),
        ("exp", r#""1800000600""#),
        ("exp", "1800000600.0"),
        ("exp", "1800000600.5"),
        ("exp", "1e10"),
        ("exp", "-1"),
        ("exp", "-0"),
        ("exp", "9223372036854775808"),
        ("exp", "1e400"),
        ("exp", "true"),
        ("iat", "1.8e9"),
        ("nbf", "null"),
        ("auth_time", "[1]"),
        ("amr", r#""pwd""#),
        ("roles", "[1]"),
        ("scope", r#"["openid"]"#),
        ("scope", r#""a  b""#),
        ("scope", r#"" a""#),
        ("scope", r#""a\tb""#),
        ("scope", r#""a\u00a0b""#),
        ("scope", r#""a\"b""#),
    ];
    for (name, value) in wrong {
        let rest = claims_with(&json!({ name: null })).to_string();
        let payload = rest.replacen('{', &format!("{{\"{name}\":{value},"), 1);
        let verdict = if value == "1e400" { "malformed".to_owned() } else { format!("invalid_claim {name}") };
        case(format!("{name} is {value}"), &payload, verdict);
    }
    case("aud is []".to_owned(), &claims_with(&json!({"aud": []})).to_string(), "missing_claim aud".to_owned());
    cases
}
