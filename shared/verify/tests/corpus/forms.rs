//! Tokens that are refused for their header or their form.

use serde_json::{Value, json};

use crate::Case;
use crate::cases::{claims, claims_with, token};
use crate::keys::{Keys, encode};

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) fn cases(keys: &Keys) -> Vec<Case> {
    [headers(keys), algorithms(keys), shapes(keys)].into_iter().flatten().collect()
}

fn headers(keys: &Keys) -> Vec<Case> {
    let refused = |name: &str, header: Value, verdict: &str| {
        Case::new(format!("header: {name}"), &token(&keys.ed, &header, &json!({})), verdict)
    };
    let raw = |name: &str, header: &str, verdict: &str| {
        Case::new(format!("header: {name}"), &keys.ed.sign(header, claims().to_string()), verdict)
    };
    let mut cases = Vec::new();
    for name in ["crit", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip"] {
        let value = match name {
            "jwk" => keys.foreign.jwk(),
            "crit" | "x5c" => json!(["exp"]),
            "b64" => json!(false),
            _ => json!("https://evil.example/keys"),
        };
        cases.push(refused(name, json!({ name: value }), &format!("header_not_allowed {name}")));
    }
    for (name, typ) in [("JWT", "JWT"), ("ID token", "id+jwt"), ("at+jwt and more", "at+jwt+x"), ("a space", " at+jwt")]
    {
        cases.push(refused(&format!("typ {name}"), json!({ "typ": typ }), "wrong_type"));
    }
    for (name, kid) in [("empty", ""), ("a space", "a b"), ("a line feed", "a\nb"), ("beyond ASCII", "é")] {
        cases.push(refused(&format!("kid {name}"), json!({ "kid": kid }), "malformed"));
    }
    cases.extend([
        refused("no typ", json!({"typ": null}), "wrong_type"),
        refused("typ is a number", json!({"typ": 1}), "malformed"),
        refused("no kid", json!({"kid": null}), "missing_kid"),
        refused("kid is a number", json!({"kid": 1}), "malformed"),
        refused("kid of 129 letters", json!({"kid": "k".repeat(129)}), "malformed"),
        refused("kid of 128 letters", json!({"kid": "k".repeat(128)}), "unknown_key"),
        refused("kid is a path", json!({"kid": "../../dev/null"}), "unknown_key"),
        refused("kid is a member of every object", json!({"kid": "__proto__"}), "unknown_key"),
        refused("kid is a method of every object", json!({"kid": "toString"}), "unknown_key"),
        raw("jwk is null", r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed-1","jwk":null}"#, "header_not_allowed jwk"),
        raw("alg twice", r#"{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"ed-1"}"#, "malformed"),
        raw("kid twice, once escaped", r#"{"alg":"EdDSA","typ":"at+jwt","\u006bid":"ec-1","kid":"ed-1"}"#, "malformed"),
        raw("an unknown parameter twice", r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed-1","x":1,"x":2}"#, "malformed"),
        raw("an array", r#"["EdDSA","at+jwt","ed-1"]"#, "malformed"),
        raw("a text", r#""EdDSA""#, "malformed"),
        raw("null", "null", "malformed"),
        raw("cut short", r#"{"alg":"EdDSA""#, "malformed"),
        raw("a comma too many", r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed-1",}"#, "malformed"),
        raw("a byte order mark", "\u{feff}{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"ed-1\"}", "malformed"),
        raw("half a letter", r#"{"alg":"EdDSA","typ":"at+jwt","kid":"ed-1","x":"\ud800"}"#, "malformed"),
        raw("white space around", " {\"alg\":\"EdDSA\",\n\"typ\":\"at+jwt\",\t\"kid\":\"ed-1\"} \r\n", "ok"),
        raw("members escaped", r#"{"\u0061lg":"EdDSA","typ":"at\u002bjwt","kid":"ed-1"}"#, "ok"),
    ]);
    cases
}

fn algorithms(keys: &Keys) -> Vec<Case> {
    let mut cases = Vec::new();
    for alg in ["none", "None", "HS256", "HS512", "RS384", "PS256", "ES384", "ES256K", "es256", "Ed25519"] {
        let signed = token(&keys.ed, &json!({ "alg": alg }), &json!({}));
        cases.push(Case::new(format!("alg {alg}"), &signed, "unsupported_algorithm"));
    }
    let unsigned = |header: Value| format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
    let none = unsigned(json!({"alg": "none", "typ": "at+jwt", "kid": "rsa-1"}));
    cases.push(Case::new("alg none without a signature", &format!("{none}."), "malformed"));
    cases.push(Case::new("alg none with some signature", &format!("{none}.AA"), "unsupported_algorithm"));
    // The public key as a shared secret, in the spellings that it has.
    let jwk = keys.rsa.jwk();
    for (name, secret) in [("as JWK", jwk.to_string()), ("as its modulus", jwk["n"].as_str().unwrap().to_owned())] {
        let message = unsigned(json!({"alg": "HS256", "typ": "at+jwt", "kid": "rsa-1"}));
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let signed = format!("{message}.{}", encode(ring::hmac::sign(&secret, message.as_bytes())));
        cases.push(Case::new(format!("HS256 with the public key {name}"), &signed, "unsupported_algorithm"));
    }
    for (key, kid) in [(&keys.rsa, "ec-1"), (&keys.ec, "rsa-1"), (&keys.ed, "ec-1"), (&keys.rsa, "ed-1")] {
        let signed = token(key, &json!({ "kid": kid }), &json!({}));
        cases.push(Case::new(format!("{} under {kid}", key.name), &signed, "algorithm_mismatch"));
    }
    cases.extend([
        Case::new("alg is absent", &token(&keys.ed, &json!({"alg": null}), &json!({})), "unsupported_algorithm"),
        Case::new("alg is a list", &token(&keys.ed, &json!({"alg": ["EdDSA"]}), &json!({})), "malformed"),
        Case::new("alg is empty", &token(&keys.ed, &json!({"alg": ""}), &json!({})), "malformed"),
        Case::new("another key under a known kid", &token(&keys.foreign, &json!({}), &json!({})), "bad_signature"),
    ]);
    cases
}

fn shapes(keys: &Keys) -> Vec<Case> {
    let good = token(&keys.rsa, &json!({}), &json!({}));
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = encode(claims_with(&json!({"sub": "usr_01hzy8kq3w5t7v9xbcdefghjkz"})).to_string());
    // The last of the letters carries bits that decode to nothing.
    let twin = |part: &str| {
        let (rest, last) = part.split_at(part.len() - 1);
        let place = ALPHABET.find(last).unwrap();
        format!("{rest}{}", &ALPHABET[place + 1..=place + 1])
    };
    let refused = |name: &str, token: String| Case::new(format!("shape: {name}"), &token, "malformed");
    let unsigned = |name: &str, token: String| Case::new(format!("shape: {name}"), &token, "bad_signature");
    vec![
        refused("empty", String::new()),
        refused("two dots", "..".to_owned()),
        refused("no token at all", "hello".to_owned()),
        refused("two parts", format!("{header}.{payload}")),
        refused("no signature", format!("{header}.{payload}.")),
        refused("no payload", format!("{header}..{signature}")),
        refused("no header", format!(".{payload}.{signature}")),
        refused("four parts", format!("{good}.{signature}")),
        refused("five parts, as encrypted tokens have", format!("{good}.{signature}.{signature}")),
        refused("a space before", format!(" {good}")),
        refused("a line feed after", format!("{good}\n")),
        refused("padding after", format!("{good}==")),
        refused("padding in the header", format!("{header}=.{payload}.{signature}")),
        refused("the scheme as well", format!("Bearer {good}")),
        refused("base64 that is not for URLs", format!("{header}.{payload}.+/{signature}")),
        refused("a signature with a second spelling", format!("{header}.{payload}.{}", twin(signature))),
        refused("beyond ASCII", format!("{header}.{payload}.{signature}é")),
        refused("a header that is not UTF-8", format!("{}.{payload}.{signature}", encode([b'{', 0xff, b'}']))),
        unsigned("another payload", format!("{header}.{other}.{signature}")),
        unsigned("a payload that is not base64url", format!("{header}.not*base64.{signature}")),
        unsigned("a payload that is not JSON", format!("{header}.{}.{signature}", encode("not json"))),
        unsigned("a signature cut short", format!("{header}.{payload}.{}", &signature[..340])),
        unsigned("a signature of zeros", format!("{header}.{payload}.{}", encode([0; 256]))),
        Case::new("shape: ES256 in DER", &der_signature(keys), "bad_signature"),
        Case::new("shape: 8 KiB and a byte", &"a".repeat(8193), "too_long"),
        Case::new("shape: 8 KiB of letters", &"a".repeat(8192), "malformed"),
        Case::new("shape: 8 KiB of bytes, fewer letters", &"é".repeat(4097), "too_long"),
    ]
}

/// JOSE has the two numbers one after the other; X.509 has them in DER.
fn der_signature(keys: &Keys) -> String {
    let message = format!("{}.{}", encode(keys.ec.header().to_string()), encode(claims().to_string()));
    let der: Vec<u8> =
        [0x30, 0x44, 0x02, 0x20].into_iter().chain([0x11; 32]).chain([0x02, 0x20]).chain([0x22; 32]).collect();
    format!("{message}.{}", encode(der))
}
