//! The corpus' tokens: the good ones, and those that are refused for what they say.

use serde_json::{Value, json};

use crate::keys::{Key, Keys};
use crate::{AUDIENCE, Case, EXP, IAT, ISSUER, NOW, SESSION, USER, deny, forms, payloads};

/// What a second factor, or a passkey, has in `acr`.
const TWO_FACTORS: &[&str] = &["urn:wardgate:2fa", "phr"];

pub(crate) fn all(keys: &Keys) -> Vec<Case> {
    let all = [good(keys), forms::cases(keys), payloads::cases(keys), judged(keys), deny::cases(keys)];
    all.into_iter().flatten().collect()
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": USER, "aud": [AUDIENCE], "exp": EXP, "iat": IAT,
        "jti": "jti_01hzy8kq3w5t7v9xbcdefghjkq", "client_id": "web", "scope": "openid orders:read",
        "sid": SESSION, "auth_time": IAT - 30, "amr": ["pwd", "otp"], "roles": ["admin"],
    })
}

/// The good claims but for those given; `null` takes one away.
pub(crate) fn claims_with(changes: &Value) -> Value {
    changed(claims(), changes)
}

fn changed(mut object: Value, changes: &Value) -> Value {
    let members = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    object
}

pub(crate) fn token(key: &Key, header: &Value, payload: &Value) -> String {
    key.sign(changed(key.header(), header).to_string(), claims_with(payload).to_string())
}

fn good(keys: &Keys) -> Vec<Case> {
    let none = json!({});
    let ok =
        |name: &str, key: &Key, header: Value, payload: Value| Case::new(name, &token(key, &header, &payload), "ok");
    let bare = json!({"sid": null, "auth_time": null, "amr": null, "roles": null});
    let padded = |filler: usize| token(&keys.ed, &none, &json!({"x": "x".repeat(filler)}));
    let longest = (5_000..6_200).map(padded).rfind(|token| token.len() <= 8192).unwrap();
    vec![
        ok("good RS256", &keys.rsa, none.clone(), none.clone()),
        ok("good ES256", &keys.ec, none.clone(), none.clone()),
        ok("good EdDSA", &keys.ed, none.clone(), none.clone()),
        ok("typ in full", &keys.rsa, json!({"typ": "application/at+jwt"}), none.clone()),
        ok("typ in other case", &keys.ec, json!({"typ": "Application/AT+jwt"}), none.clone()),
        ok("header parameters that nobody knows", &keys.ed, json!({"x-trace": "1", "cty": "json"}), none.clone()),
        ok("claims that nobody knows", &keys.ed, none.clone(), json!({"tenant": "t", "x": {"a": [1, 2.5]}})),
        ok("no optional claim", &keys.ed, none.clone(), bare),
        ok("no scope granted", &keys.ed, none.clone(), json!({"scope": ""})),
        ok("audience as text", &keys.ed, none.clone(), json!({"aud": AUDIENCE})),
        ok("one audience of two", &keys.ed, none.clone(), json!({"aud": ["https://other.example", AUDIENCE]})),
        ok("letters beyond ASCII", &keys.ed, none.clone(), json!({"sub": "usr_é漢🌷"})),
        ok("exp is the largest that there is", &keys.ed, none.clone(), json!({"exp": i64::MAX})),
        ok("iat is zero", &keys.ed, none.clone(), json!({"iat": 0, "nbf": 0})),
        Case::new("8 KiB", &longest, "ok"),
        ok("a scope demanded and granted", &keys.ed, none.clone(), none.clone()).demanding(&["orders:read"]),
        ok("two scopes demanded and granted", &keys.ed, none.clone(), none.clone())
            .demanding(&["orders:read", "openid"]),
        ok("a level demanded and shown", &keys.ed, none.clone(), json!({"acr": "phr"})).at_level(TWO_FACTORS),
        ok("a level shown and none demanded", &keys.ed, none.clone(), json!({"acr": "phr"})),
        ok("one second before exp and leeway", &keys.ed, none.clone(), none.clone()).at(EXP + 4),
        ok("iat as far ahead as the leeway", &keys.ed, none.clone(), none.clone()).at(IAT - 5),
        ok("nbf as far ahead as the leeway", &keys.ed, none, json!({"nbf": NOW + 5})),
    ]
}

/// Right in form.
fn judged(keys: &Keys) -> Vec<Case> {
    let case =
        |name: &str, payload: Value, verdict: &str| Case::new(name, &token(&keys.ed, &json!({}), &payload), verdict);
    let mut cases = Vec::new();
    for (name, iss) in [
        ("another", "https://evil.example"),
        ("with a slash", "https://auth.example.com/"),
        ("in upper case", "HTTPS://auth.example.com"),
        ("with a space", "https://auth.example.com "),
    ] {
        cases.push(case(&format!("issuer {name}"), json!({ "iss": iss }), "wrong_issuer"));
    }
    for (name, aud) in [
        ("another", json!("https://other.example")),
        ("others", json!(["https://other.example", "b"])),
        ("with a slash", json!("https://api.example.com/")),
        ("is the client, as in an ID token", json!(["web"])),
    ] {
        cases.push(case(&format!("audience {name}"), json!({ "aud": aud }), "wrong_audience"));
    }
    let none = || json!({});
    cases.extend([
        case("iat too far ahead", none(), "not_yet_valid").at(IAT - 6),
        case("iat is the largest that there is", json!({"iat": i64::MAX}), "not_yet_valid"),
        case("nbf too far ahead", json!({"nbf": NOW + 6}), "not_yet_valid"),
        case("exp is past", json!({"exp": NOW - 30}), "expired"),
        case("exp is zero", json!({"exp": 0, "iat": 0}), "expired"),
        case("exp and leeway are past", none(), "expired").at(EXP + 5),
        case("a scope demanded and not granted", none(), "missing_scope").demanding(&["orders:write"]),
        case("one scope of two demanded", none(), "missing_scope").demanding(&["orders:read", "orders:write"]),
        case("the beginning of a scope demanded", none(), "missing_scope").demanding(&["orders"]),
        case("a scope in other case demanded", none(), "missing_scope").demanding(&["Orders:read"]),
        case("a level demanded and nothing said", none(), "insufficient_user_authentication").at_level(TWO_FACTORS),
        case("a level demanded and less shown", json!({"acr": "urn:wardgate:1fa"}), "insufficient_user_authentication")
            .at_level(TWO_FACTORS),
        case("a level in other case", json!({"acr": "PHR"}), "insufficient_user_authentication").at_level(TWO_FACTORS),
        case("two levels at once", json!({"acr": "urn:wardgate:2fa phr"}), "insufficient_user_authentication")
            .at_level(TWO_FACTORS),
        case("scope before level", none(), "missing_scope").demanding(&["orders:write"]).at_level(TWO_FACTORS),
        case("level before exp", json!({"exp": 1}), "insufficient_user_authentication").at_level(TWO_FACTORS),
        case("issuer before audience", json!({"iss": "x", "aud": "x"}), "wrong_issuer"),
        case("audience before time", json!({"aud": "x", "exp": 1}), "wrong_audience"),
        case("nbf before exp", json!({"nbf": NOW + 60, "exp": 1}), "not_yet_valid"),
        case("scope before exp", json!({"exp": 1}), "missing_scope").demanding(&["orders:write"]),
    ]);
    cases
}
