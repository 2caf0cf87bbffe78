use jsonwebtoken::EncodingKey;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::Verifier;
use crate::signed::*;
use crate::{AccessToken, VerifierError, VerifyError};

type Verified = Result<AccessToken, VerifyError>;

fn verify_at(token: &str, now: i64) -> Verified {
    verifier().verify(&keys(), token, now)
}

fn verify(token: &str) -> Verified {
    verify_at(token, NOW)
}

fn verify_claims(changes: &Value) -> Verified {
    verify(&es256().token(&claims_with(changes)))
}

fn verify_header(changes: &Value) -> Verified {
    verify(&es256().token_with_header(changes))
}

#[test]
fn sec_tk_01_good_tokens_of_every_algorithm_verify() {
    for key in [rs256(), es256(), eddsa()] {
        let token = verify(&key.token(&claims())).unwrap();
        assert_eq!(serde_json::to_value(token).unwrap(), claims(), "{}", key.name);
    }
}

#[test]
fn jsonwebtoken_encode_makes_good_tokens() {
    let key = rs256();
    crate::provider::install();
    let mut header = jsonwebtoken::Header::new(key.algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.kid.to_owned());
    let token = jsonwebtoken::encode(&header, &claims(), &key.private).unwrap();
    assert!(verify(&token).is_ok());
}

// Header

#[test]
fn sec_tk_02_alg_none_is_refused() {
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let header = encode(json!({"alg": alg, "typ": "at+jwt", "kid": "ec-1"}).to_string());
        let payload = encode(claims().to_string());
        for signature in ["", "AA"] {
            let refused = verify(&format!("{header}.{payload}.{signature}"));
            assert!(
                matches!(refused, Err(VerifyError::UnsupportedAlgorithm | VerifyError::Malformed)),
                "{alg:?}: {refused:?}",
            );
        }
    }
    let signed = es256().token_with_header(&json!({"alg": "none"}));
    assert_eq!(verify(&signed), Err(VerifyError::UnsupportedAlgorithm));
}

#[test]
fn sec_tk_02_hs256_with_the_public_key_is_refused() {
    let n = decode(rs256().jwk()["n"].as_str().unwrap());
    for secret in [n, rs256().jwk().to_string().into_bytes()] {
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": "rsa-1"}).to_string();
        let message = format!("{}.{}", encode(header), encode(claims().to_string()));
        let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let token = format!("{message}.{}", encode(ring::hmac::sign(&secret, message.as_bytes())));
        assert_eq!(verify(&token), Err(VerifyError::UnsupportedAlgorithm));
    }
}

#[test]
fn sec_tk_02_other_algorithm_names_are_refused() {
    for alg in ["HS384", "RS384", "RS512", "PS256", "ES384", "ES256K", "es256", "ES256 ", "Ed25519"] {
        let refused = verify_header(&json!({ "alg": alg }));
        assert_eq!(refused, Err(VerifyError::UnsupportedAlgorithm), "{alg}");
    }
    assert_eq!(verify_header(&json!({"alg": null})), Err(VerifyError::UnsupportedAlgorithm));
    assert_eq!(verify_header(&json!({"alg": ["ES256"]})), Err(VerifyError::Malformed));
}

#[test]
fn sec_tk_02_a_key_is_pinned_to_its_algorithm() {
    for (alg, kid) in [("RS256", "ec-1"), ("ES256", "rsa-1"), ("EdDSA", "ec-1"), ("ES256", "ed-1")] {
        let refused = verify_header(&json!({"alg": alg, "kid": kid}));
        assert_eq!(refused, Err(VerifyError::AlgorithmMismatch), "{alg} {kid}");
    }
}

#[test]
fn sec_tk_02_foreign_kid_is_unknown_and_named() {
    let refused = verify_header(&json!({"kid": "ec-2"}));
    assert_eq!(refused, Err(VerifyError::UnknownKey { kid: "ec-2".to_owned() }));
    assert_eq!(verify_header(&json!({"kid": null})), Err(VerifyError::MissingKid));
}

#[test]
fn sec_tk_02_foreign_key_under_a_known_kid_is_refused() {
    let mut foreign = es256();
    foreign.private = {
        let rng = ring::rand::SystemRandom::new();
        let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let pkcs8 = ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &rng).unwrap();
        EncodingKey::from_ec_der(pkcs8.as_ref())
    };
    assert_eq!(verify(&foreign.token(&claims())), Err(VerifyError::BadSignature));
}

#[test]
fn sec_tk_03_odd_kids_are_refused_before_any_lookup() {
    let long = "k".repeat(129);
    for kid in ["", long.as_str(), "a b", "a\nb", "a\u{0}", "é"] {
        assert_eq!(verify_header(&json!({ "kid": kid })), Err(VerifyError::Malformed), "{kid:?}");
    }
    assert_eq!(verify_header(&json!({"kid": 1})), Err(VerifyError::Malformed));
    let traversal = "../../dev/null";
    let refused = verify_header(&json!({ "kid": traversal }));
    assert_eq!(refused, Err(VerifyError::UnknownKey { kid: traversal.to_owned() }));
}

#[test]
fn sec_tk_02_unknown_crit_is_refused() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([]), json!("x"), json!(false)] {
        let refused = verify_header(&json!({ "crit": crit }));
        assert_eq!(refused, Err(VerifyError::HeaderNotAllowed("crit")), "{crit}");
    }
}

#[test]
fn sec_tk_02_keys_brought_along_are_refused() {
    let forbidden = ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip"];
    for name in forbidden {
        for value in [es256().jwk(), json!("https://evil.example"), json!(true)] {
            let refused = verify_header(&json!({ name: value }));
            assert_eq!(refused, Err(VerifyError::HeaderNotAllowed(name)));
        }
    }
    // A null is there too, whatever a lenient parser makes of it.
    let header = r#"{"alg":"ES256","typ":"at+jwt","kid":"ec-1","jwk":null}"#;
    let token = es256().sign(header, &claims().to_string());
    assert_eq!(verify(&token), Err(VerifyError::HeaderNotAllowed("jwk")));
}

#[test]
fn sec_tk_02_id_token_typ_is_refused() {
    for typ in ["JWT", "jwt", "id+jwt", "at+jwt+x", "application/jwt", "application/x+at+jwt", " at+jwt"] {
        assert_eq!(verify_header(&json!({ "typ": typ })), Err(VerifyError::WrongType), "{typ}");
    }
    assert_eq!(verify_header(&json!({"typ": null})), Err(VerifyError::WrongType));
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+Jwt"] {
        assert!(verify_header(&json!({ "typ": typ })).is_ok(), "{typ}");
    }
}

#[test]
fn sec_tk_02_repeated_header_members_are_refused() {
    for header in [
        r#"{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"ec-1"}"#,
        r#"{"alg":"ES256","typ":"JWT","typ":"at+jwt","kid":"ec-1"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"ec-2","\u006bid":"ec-1"}"#,
        r#"{"alg":"ES256","typ":"at+jwt","kid":"ec-1","x":1,"x":2}"#,
    ] {
        let token = es256().sign(header, &claims().to_string());
        assert_eq!(verify(&token), Err(VerifyError::Malformed), "{header}");
    }
}

#[test]
fn unknown_header_parameters_are_ignored() {
    assert!(verify_header(&json!({"x-trace": "1", "cty": "json"})).is_ok());
}

// Shape

#[test]
fn sec_tk_07_only_three_canonical_parts_are_a_token() {
    let good = es256().token(&claims());
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        format!("{header}.{payload}"),
        format!("{header}.{payload}."),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{good}.{signature}"),
        format!("{header}.{payload}.{signature}.{signature}.{signature}"),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}=="),
        format!("{header}=.{payload}.{signature}"),
        format!("Bearer {good}"),
        good.replace('.', "%2e"),
        format!("{}.{payload}.{signature}", encode("[]")),
        format!("{}.{payload}.{signature}", encode("{")),
        format!("{}.{payload}.{signature}", encode([0xff, 0xfe])),
    ] {
        assert_eq!(verify(&bad), Err(VerifyError::Malformed), "{bad}");
    }
}

#[test]
fn sec_tk_07_trailing_bits_make_no_second_spelling() {
    let good = es256().token(&claims());
    // 64 octets end in a character that carries two bits: its low four must be zero.
    let (rest, last) = good.split_at(good.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.find(last).unwrap();
    for offset in 1..16 {
        let twin = format!("{rest}{}", &alphabet[place + offset..=place + offset]);
        assert_eq!(verify(&twin), Err(VerifyError::Malformed), "{offset}");
    }
}

#[test]
fn sec_tk_07_eight_kib_is_the_longest_token() {
    let key = es256();
    let padded = |filler: usize| key.token(&claims_with(&json!({"x": "x".repeat(filler)})));
    let longest = (5_000..6_200).map(padded).rfind(|token| token.len() <= 8192).unwrap();
    assert!(longest.len() > 8180);
    assert!(verify(&longest).is_ok());
    assert_eq!(verify(&"a".repeat(8193)), Err(VerifyError::TooLong));
    assert_eq!(verify(&"a".repeat(8192)), Err(VerifyError::Malformed));
}

// Signature before claims

#[test]
fn sec_tk_07_claims_are_not_looked_at_before_the_signature() {
    let good = es256().token(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = head.split_once('.').unwrap();
    for payload in [
        encode(claims_with(&json!({"iss": "https://evil.example"})).to_string()),
        encode(claims_with(&json!({"exp": 1})).to_string()),
        encode("not json"),
        "not*base64".to_owned(),
    ] {
        let token = format!("{header}.{payload}.{signature}");
        assert_eq!(verify(&token), Err(VerifyError::BadSignature), "{payload}");
    }
}

#[test]
fn sec_tk_02_a_signature_over_another_header_is_refused() {
    let good = es256().token(&claims());
    let (_, rest) = good.split_once('.').unwrap();
    let header = json!({"typ": "at+jwt", "kid": "ec-1", "alg": "ES256", "x": 1}).to_string();
    assert_eq!(verify(&format!("{}.{rest}", encode(header))), Err(VerifyError::BadSignature));
}

// Claims

#[test]
fn sec_tk_07_missing_iss_is_refused() {
    assert_eq!(verify_claims(&json!({"iss": null})), Err(VerifyError::MissingClaim("iss")));
}

#[test]
fn sec_tk_07_missing_aud_is_refused() {
    assert_eq!(verify_claims(&json!({"aud": null})), Err(VerifyError::MissingClaim("aud")));
    assert_eq!(verify_claims(&json!({"aud": []})), Err(VerifyError::MissingClaim("aud")));
}

#[test]
fn sec_tk_01_every_required_claim_is_required() {
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope"] {
        let refused = verify_claims(&json!({ name: null }));
        assert_eq!(refused, Err(VerifyError::MissingClaim(name)));
    }
}

#[test]
fn sec_tk_07_claims_of_the_wrong_type_are_refused() {
    let texts = ["iss", "sub", "jti", "client_id", "sid"];
    let lists = ["aud", "amr", "roles"];
    let times = ["exp", "iat", "nbf", "auth_time"];
    let bad_texts = vec![json!(""), json!(1), json!(["a"]), json!({}), json!(true)];
    let bad_lists = vec![json!(1), json!([1]), json!([[]]), json!(["a", ""]), json!(["a", null]), json!({"a": 1})];
    let bad_times =
        vec![json!("1"), json!(1.5), json!(1.0), json!(1e9), json!(-1), json!(u64::MAX), json!(true), json!([1])];
    let cases = texts.iter().map(|name| (name, &bad_texts));
    let cases = cases.chain(lists.iter().map(|name| (name, &bad_lists)));
    let cases = cases.chain(times.iter().map(|name| (name, &bad_times)));
    for (name, values) in cases {
        for value in values {
            let refused = verify_claims(&json!({ *name: value }));
            assert_eq!(refused, Err(VerifyError::InvalidClaim(name)), "{value}");
        }
        let null = claims().to_string().replacen('{', &format!("{{\"{name}\":null,"), 1);
        let null = null.replacen(&format!(",\"{name}\":"), ",\"old\":", 1);
        let refused = verify(&es256().sign(&es256().header().to_string(), &null));
        assert_eq!(refused, Err(VerifyError::InvalidClaim(name)), "null");
    }
    assert_eq!(verify_claims(&json!({"aud": ""})), Err(VerifyError::InvalidClaim("aud")));
    assert_eq!(verify_claims(&json!({"scope": ["a"]})), Err(VerifyError::InvalidClaim("scope")));
}

#[test]
fn sec_tk_07_repeated_claims_are_refused() {
    for repeated in [r#""sub":"root","#, r#""exp":9999999999,"#, r#""\u0073ub":"root","#] {
        let payload = claims().to_string().replacen('{', &format!("{{{repeated}"), 1);
        let token = es256().sign(&es256().header().to_string(), &payload);
        assert_eq!(verify(&token), Err(VerifyError::Malformed), "{repeated}");
    }
}

#[test]
fn sec_tk_07_a_signed_payload_that_is_no_object_is_malformed() {
    for payload in ["[]", "null", "\"\"", "", "{} {}", r#"["iss","sub"]"#] {
        let token = es256().sign(&es256().header().to_string(), payload);
        assert_eq!(verify(&token), Err(VerifyError::Malformed), "{payload}");
    }
}

#[test]
fn unknown_claims_are_ignored_and_optional_ones_optional() {
    assert!(verify_claims(&json!({"tenant": "t", "x": {"a": [1, 2.5]}})).is_ok());
    let bare = json!({"sid": null, "auth_time": null, "amr": null, "roles": null});
    let token = verify_claims(&bare).unwrap();
    assert_eq!((token.sid, token.auth_time), (None, None));
    assert!(token.amr.is_empty() && token.roles.is_empty());
}

#[test]
fn sec_tk_07_wrong_iss_is_refused() {
    for iss in
        ["https://evil.example", "https://auth.example.com/", "HTTPS://auth.example.com", "https://auth.example.com "]
    {
        assert_eq!(verify_claims(&json!({ "iss": iss })), Err(VerifyError::WrongIssuer), "{iss}");
    }
}

#[test]
fn sec_tk_07_wrong_aud_is_refused_as_text_and_as_list() {
    for aud in [
        json!("https://other.example"),
        json!(["https://other.example"]),
        json!(["a", "b"]),
        json!("https://api.example.com/"),
    ] {
        assert_eq!(verify_claims(&json!({ "aud": aud })), Err(VerifyError::WrongAudience), "{aud}");
    }
    for aud in [json!(AUDIENCE), json!([AUDIENCE]), json!(["https://other.example", AUDIENCE])] {
        assert!(verify_claims(&json!({ "aud": aud })).is_ok(), "{aud}");
    }
}

#[test]
fn sec_tk_07_a_token_ends_at_exactly_exp_plus_leeway() {
    let token = es256().token(&claims());
    assert!(verify_at(&token, EXP + 4).is_ok());
    for late in [EXP + 5, EXP + 6, i64::MAX] {
        match verify_at(&token, late) {
            Err(VerifyError::Expired { token }) => {
                assert_eq!(token.sid.as_deref(), Some("session-1"));
            }
            other => panic!("{late}: {other:?}"),
        }
    }
    let strict = verifier().with_leeway(0).unwrap();
    assert!(strict.verify(&keys(), &token, EXP - 1).is_ok());
    let refused = strict.verify(&keys(), &token, EXP);
    assert!(matches!(refused, Err(VerifyError::Expired { .. })));
}

#[test]
fn sec_tk_07_a_token_begins_at_exactly_nbf_and_iat_less_leeway() {
    let token = es256().token(&claims_with(&json!({"nbf": IAT + 100})));
    assert_eq!(verify_at(&token, IAT + 94), Err(VerifyError::NotYetValid));
    assert!(verify_at(&token, IAT + 95).is_ok());

    let token = es256().token(&claims());
    assert_eq!(verify_at(&token, IAT - 6), Err(VerifyError::NotYetValid));
    assert!(verify_at(&token, IAT - 5).is_ok());
    assert_eq!(verify_at(&token, i64::MIN), Err(VerifyError::NotYetValid));
}

#[test]
fn sec_tk_07_times_at_the_ends_of_the_range_do_not_wrap() {
    assert!(verify_claims(&json!({"exp": i64::MAX})).is_ok());
    let refused = verify_claims(&json!({"iat": i64::MAX}));
    assert_eq!(refused, Err(VerifyError::NotYetValid));
    let token = es256().token(&claims_with(&json!({"exp": i64::MAX})));
    assert!(matches!(verify_at(&token, i64::MAX), Err(VerifyError::Expired { .. })));
}

#[test]
fn sec_tk_07_expired_is_said_only_of_tokens_right_in_all_else() {
    let orders = verifier().require_scopes(["orders:write"]).unwrap();
    for (changes, error) in [
        (json!({"iss": "x", "exp": 1}), VerifyError::WrongIssuer),
        (json!({"aud": "x", "exp": 1}), VerifyError::WrongAudience),
        (json!({"nbf": NOW + 60, "exp": 1}), VerifyError::NotYetValid),
        (json!({"exp": 1}), VerifyError::MissingScope),
    ] {
        let token = es256().token(&claims_with(&changes));
        assert_eq!(orders.verify(&keys(), &token, NOW), Err(error));
    }
}

#[test]
fn sec_tk_06_all_required_scopes_are_required() {
    let token = es256().token(&claims());
    let demanding = |scopes: &[&str]| verifier().require_scopes(scopes.iter().copied()).unwrap();
    let verify = |scopes: &[&str]| demanding(scopes).verify(&keys(), &token, NOW);
    assert!(verify(&["orders:read"]).is_ok());
    assert!(verify(&["orders:read", "openid"]).is_ok());
    assert_eq!(verify(&["orders:read", "orders:write"]), Err(VerifyError::MissingScope));
    assert_eq!(verify(&["orders"]), Err(VerifyError::MissingScope));
}

#[test]
fn sec_tk_06_one_of_the_demanded_levels_is_required() {
    let verify = |acr: Value, demanded: &[&str]| {
        let token = es256().token(&claims_with(&json!({ "acr": acr })));
        verifier().require_acr(demanded.iter().copied()).unwrap().verify(&keys(), &token, NOW).map(|token| token.acr)
    };
    let two = ["urn:wardgate:2fa", "phr"];
    for acr in two {
        assert_eq!(verify(json!(acr), &two), Ok(Some(acr.to_owned())));
    }
    for acr in [json!("urn:wardgate:1fa"), json!("PHR"), json!("urn:wardgate:2fa phr")] {
        assert_eq!(verify(acr, &two), Err(VerifyError::InsufficientUserAuthentication));
    }
    assert_eq!(verify(json!("urn:wardgate:2fa"), &["phr"]), Err(VerifyError::InsufficientUserAuthentication));
    let silent = es256().token(&claims());
    let refused = verifier().require_acr(two).unwrap().verify(&keys(), &silent, NOW);
    assert_eq!(refused, Err(VerifyError::InsufficientUserAuthentication));
    assert!(verifier().require_acr([] as [&str; 0]).unwrap().verify(&keys(), &silent, NOW).is_ok());
}

// Configuration

#[test]
fn sec_tk_06_issuer_and_audience_are_mandatory() {
    let none: [&str; 0] = [];
    assert_eq!(Verifier::new("", [AUDIENCE]).unwrap_err(), VerifierError::NoIssuer);
    assert_eq!(Verifier::new(ISSUER, none).unwrap_err(), VerifierError::NoAudience);
    assert_eq!(Verifier::new(ISSUER, [AUDIENCE, ""]).unwrap_err(), VerifierError::NoAudience);
}

#[test]
fn sec_tk_07_leeway_is_at_most_five_seconds() {
    assert!(verifier().with_leeway(5).is_ok());
    assert_eq!(verifier().with_leeway(6).unwrap_err(), VerifierError::LeewayTooLong);
    for scope in ["", "a b"] {
        let refused = verifier().require_scopes([scope]).unwrap_err();
        assert_eq!(refused, VerifierError::ImpossibleScope);
        assert_eq!(verifier().require_acr([scope]).unwrap_err(), VerifierError::ImpossibleAcr);
    }
}

#[test]
fn error_texts_do_not_echo_the_token() {
    let token = verify(&es256().token(&claims())).unwrap();
    assert_eq!(VerifyError::UnknownKey { kid: "secret".to_owned() }.to_string(), "unknown key");
    assert_eq!(VerifyError::Expired { token: Box::new(token) }.to_string(), "token expired");
}

// Any input

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn sec_tk_07_no_mutation_of_one_byte_verifies(place in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f, which in 0..3_usize) {
        let key = [rs256, es256, eddsa][which]();
        let good = key.token(&claims());
        let mut bytes = good.clone().into_bytes();
        let place = place.index(bytes.len());
        prop_assume!(bytes[place] != byte);
        bytes[place] = byte;
        // Canonical base64url: other text always decodes to other bytes or to none.
        prop_assert!(verify(&String::from_utf8(bytes).unwrap()).is_err());
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,300}") {
        prop_assert!(verify(&text).is_err());
    }

    #[test]
    fn arbitrary_parts_never_panic(header in ".{0,60}", payload in any::<Vec<u8>>(), signature in any::<Vec<u8>>()) {
        let token = format!("{}.{}.{}", encode(&header), encode(&payload), encode(&signature));
        prop_assert!(verify(&token).is_err());
        let good = encode(es256().header().to_string());
        let token = format!("{good}.{}.{}", encode(&payload), encode(&signature));
        prop_assert!(verify(&token).is_err());
    }

    #[test]
    fn arbitrary_signed_payloads_never_panic(payload in ".{0,200}") {
        prop_assert!(verify(&es256().sign(&es256().header().to_string(), &payload)).is_err());
    }

    #[test]
    fn arbitrary_key_sets_never_panic(text in any::<Vec<u8>>(), n in any::<Vec<u8>>(), e in any::<Vec<u8>>()) {
        let _ = crate::KeySet::parse(&text);
        let mut jwk = rs256().jwk();
        jwk["n"] = json!(encode(n));
        jwk["e"] = json!(encode(e));
        let jwks = json!({"keys": [jwk]}).to_string();
        prop_assert!(crate::KeySet::parse(jwks.as_bytes()).is_err());
    }

    #[test]
    fn arbitrary_points_never_panic(x in any::<[u8; 32]>(), y in any::<[u8; 32]>()) {
        let mut jwk = es256().jwk();
        jwk["x"] = json!(encode(x));
        jwk["y"] = json!(encode(y));
        let refused = verifier().verify(&key_set(&[jwk]), &es256().token(&claims()), NOW);
        prop_assert_eq!(refused, Err(VerifyError::BadSignature));
    }
}
