//! Published vectors, and the facts Wycheproof checks: each case is derived here from keys of our own.

use std::sync::Arc;

use jsonwebtoken::crypto::{JwtSigner, JwtVerifier, sign};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

use super::signing::KeyCache;
use super::{Installed, install, verify, verify_as};
use crate::signed::*;

const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

/// The order of P-256 (SEC 2 section 2.4.2).
const N_P256: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

fn public(key: &TestKey) -> DecodingKey {
    install();
    let octets = |name: &str| decode(key.jwk()[name].as_str().unwrap());
    match key.algorithm {
        Algorithm::RS256 => DecodingKey::from_rsa_raw_components(&octets("n"), &octets("e")),
        Algorithm::ES256 => DecodingKey::from_ec_der(&[vec![4], octets("x"), octets("y")].concat()),
        _ => DecodingKey::from_ed_der(&octets("x")),
    }
}

/// Both ways to verify, which must agree.
fn holds(signature: &[u8], message: &[u8], key: &DecodingKey, algorithm: Algorithm) -> bool {
    let signature = encode(signature);
    let ours = verify_as(Installed::Ours, &signature, message, key, algorithm);
    let foreign = verify_as(Installed::Foreign, &signature, message, key, algorithm);
    assert_eq!(ours, foreign);
    ours
}

fn signature(key: &TestKey, message: &[u8]) -> Vec<u8> {
    decode(&sign(message, &key.private, key.algorithm).unwrap())
}

// Published vectors

/// Assembles a DER value; ring reads RSA keys in no other form.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [.., high, low] = content.len().to_be_bytes();
    let mut out = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    out.extend_from_slice(content);
    out
}

fn der_integer(base64url: &str) -> Vec<u8> {
    let mut bytes = decode(base64url);
    if bytes[0] >= 0x80 {
        bytes.insert(0, 0);
    }
    der(0x02, &bytes)
}

const A2_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
/// d, p, q, dp, dq and qi of RFC 7515 appendix A.2.1.
const A2_PRIVATE: [&str; 6] = [
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ",
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc",
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc",
    "BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0",
    "h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU",
    "IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U",
];
const A2_SIGNATURE: &str = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

#[test]
fn rfc_7515_a2_rs256_signs_and_verifies() {
    assert_eq!(install(), Installed::Ours);
    let message = format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}");
    let integers = [vec![0x02, 0x01, 0x00], der_integer(A2_N), der_integer("AQAB")];
    let integers = integers.into_iter().chain(A2_PRIVATE.map(der_integer));
    let private = EncodingKey::from_rsa_der(&der(0x30, &integers.collect::<Vec<_>>().concat()));
    let signature = sign(message.as_bytes(), &private, Algorithm::RS256).unwrap();
    assert_eq!(signature, A2_SIGNATURE);

    let public = DecodingKey::from_rsa_components(A2_N, "AQAB").unwrap();
    assert!(holds(&decode(A2_SIGNATURE), message.as_bytes(), &public, Algorithm::RS256));
    assert!(!holds(&decode(A2_SIGNATURE), b"other", &public, Algorithm::RS256));
}

#[test]
fn rfc_7515_a3_es256_verifies() {
    let message = format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}");
    let key = DecodingKey::from_ec_components(
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    )
    .unwrap();
    let signature = decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
    assert!(holds(&signature, message.as_bytes(), &key, Algorithm::ES256));
    assert!(!holds(&signature, b"other", &key, Algorithm::ES256));
}

#[test]
fn rfc_8037_a4_eddsa_signs_and_verifies() {
    assert_eq!(install(), Installed::Ours);
    let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let mut pkcs8 = ED25519[..16].to_vec();
    pkcs8.extend(decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"));
    let private = EncodingKey::from_ed_der(&pkcs8);
    assert_eq!(sign(message, &private, Algorithm::EdDSA).unwrap(), expected);
    let public = DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert!(holds(&decode(expected), message, &public.unwrap(), Algorithm::EdDSA));
}

// ECDSA

#[test]
fn sec_tk_02_ecdsa_signatures_out_of_range_are_refused() {
    let key = es256();
    let public = public(&key);
    let good = signature(&key, b"message");
    assert!(holds(&good, b"message", &public, Algorithm::ES256));
    let (r, s) = good.split_at(32);
    let mut one = [0; 32];
    one[31] = 1;
    let mut n_plus_one = N_P256;
    n_plus_one[31] += 1;
    let odd = [[0; 32], one, N_P256, n_plus_one, [0xff; 32]];
    for value in &odd {
        assert!(!holds(&[value, s].concat(), b"message", &public, Algorithm::ES256));
        assert!(!holds(&[r, value].concat(), b"message", &public, Algorithm::ES256));
        for other in &odd {
            assert!(!holds(&[*value, *other].concat(), b"message", &public, Algorithm::ES256));
        }
    }
    assert!(!holds(&[s, r].concat(), b"message", &public, Algorithm::ES256));
}

#[test]
fn sec_tk_02_ecdsa_signatures_of_other_lengths_and_in_der_are_refused() {
    let key = es256();
    let public = public(&key);
    let good = signature(&key, b"message");
    let zero_r = [&[0], good.as_slice()].concat();
    for bad in [&good[..63], &good[1..], &good[..32], &[], &[good.as_slice(), &[0]].concat(), &zero_r, &good.repeat(2)]
    {
        assert!(!holds(bad, b"message", &public, Algorithm::ES256), "{}", bad.len());
    }
    let integers: Vec<u8> = good.chunks(32).flat_map(|half| der_integer(&encode(half))).collect();
    assert!(!holds(&der(0x30, &integers), b"message", &public, Algorithm::ES256));
}

#[test]
fn sec_tk_02_odd_ec_points_never_verify() {
    let key = es256();
    let good = signature(&key, b"message");
    let point = public(&key).try_get_as_bytes().unwrap().to_vec();
    let mut off_curve = point.clone();
    off_curve[64] ^= 1;
    let compressed = [&[2], &point[1..33]].concat();
    let hybrid = [&[6], &point[1..]].concat();
    let zero = [&[4][..], &[0; 64]].concat();
    let beyond_the_field = [&[4][..], &[0xff; 64]].concat();
    for bad in [off_curve, compressed, hybrid, zero, beyond_the_field, vec![0], vec![]] {
        let bad_key = DecodingKey::from_ec_der(&bad);
        assert!(!holds(&good, b"message", &bad_key, Algorithm::ES256), "{}", bad.len());
    }
}

// RSA

/// Signatures of `message` by the key `rsa-2048` over padded blocks of 256 octets made by hand (RFC 8017 section 9.2). The
/// first is right.
const RSA_PADDING: &[u8] = include_bytes!("../../testdata/rsa-padding.bin");

#[test]
fn sec_tk_02_rsa_padding_other_than_the_one_is_refused() {
    let public = public(&rs256());
    let cases = [
        "right",
        "block type 2",
        "block type 0",
        "filler fe",
        "filler 00",
        "separator 01",
        "hash parameters left out instead of NULL",
        "another hash's identifier",
        "no hash identifier",
        "garbage behind the hash, on which forgeries for e = 3 rest",
        "another hash",
    ];
    let signatures = RSA_PADDING.chunks(256);
    assert_eq!(signatures.len(), cases.len());
    for (case, signature) in cases.into_iter().zip(signatures) {
        let verifies = holds(signature, b"message", &public, Algorithm::RS256);
        assert_eq!(verifies, case == "right", "{case}");
    }
}

#[test]
fn sec_tk_02_rsa_signatures_of_other_lengths_and_sizes_are_refused() {
    let key = rs256();
    let public = public(&key);
    let good = signature(&key, b"message");
    assert!(holds(&good, b"message", &public, Algorithm::RS256));
    let n = decode(key.jwk()["n"].as_str().unwrap());
    for bad in [
        vec![],
        vec![0],
        good[..255].to_vec(),
        [&[0], good.as_slice()].concat(),
        [good.as_slice(), &[0]].concat(),
        vec![0; 256],
        [vec![0; 255], vec![1]].concat(),
        n,
        vec![0xff; 256],
    ] {
        assert!(!holds(&bad, b"message", &public, Algorithm::RS256), "{}", bad.len());
    }
}

// Keys

#[test]
fn sec_tk_05_weak_private_rsa_keys_do_not_sign() {
    assert_eq!(install(), Installed::Ours);
    for der in [RSA_1024, RSA_E65539] {
        let error = sign(b"message", &EncodingKey::from_rsa_der(der), Algorithm::RS256).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidRsaKey(_)));
    }
}

#[test]
fn sec_tk_05_weak_public_rsa_keys_do_not_verify() {
    let good = public(&rs256());
    let jsonwebtoken::DecodingKeyKind::RsaModulusExponent { n, e } = good.kind() else {
        panic!("components");
    };
    let factory = |n: &[u8], e: &[u8]| {
        super::verifying::verifier(&Algorithm::RS256, &DecodingKey::from_rsa_raw_components(n, e))
            .map(|verifier| verifier.algorithm())
            .is_ok()
    };
    assert!(factory(n, e));
    assert!(!factory(n, &[3]) && !factory(n, &[0, 1, 0, 1]) && !factory(&n[..128], e) && !factory(&[], e));
    let der = DecodingKey::from_rsa_der(&[0x30]);
    assert!(super::verifying::verifier(&Algorithm::RS256, &der).is_err());
}

#[test]
fn sec_tk_02_a_key_works_with_its_own_algorithm_only() {
    assert_eq!(install(), Installed::Ours);
    let algorithms = [
        Algorithm::HS256,
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ];
    for key in [rs256(), es256(), eddsa()] {
        for algorithm in algorithms {
            let own = algorithm == key.algorithm;
            assert_eq!(sign(b"message", &key.private, algorithm).is_ok(), own, "{algorithm:?}");
            let signature = encode(signature(&key, b"message"));
            assert_eq!(verify(&signature, b"message", &public(&key), algorithm), own, "{algorithm:?}");
        }
    }
    let secret = EncodingKey::from_secret(b"secret");
    assert!(sign(b"message", &secret, Algorithm::HS256).is_err());
}

#[test]
fn install_may_be_called_again() {
    assert_eq!(install(), Installed::Ours);
    assert_eq!(install(), Installed::Ours);
    assert!(super::RING.install_default().is_err());
}

#[test]
fn unsupported_key_questions_are_errors_and_not_panics() {
    use super::components;
    assert!(components::rsa_from_public_key(&[]).is_err());
    assert!(components::ec_from_private_key(P256, Algorithm::ES384).is_err());
    assert!(components::ec_from_private_key(&[], Algorithm::ES256).is_err());
    assert!(components::ed_from_private_key(ED25519, &jsonwebtoken::jwk::EllipticCurve::P256).is_err());
}

#[test]
fn sec_tk_05_the_cache_is_bounded_and_keeps_what_is_used() {
    let cache = KeyCache::new();
    let first = cache.get(Algorithm::ES256, &es256().private).unwrap();
    for _ in 0..40 {
        let rng = ring::rand::SystemRandom::new();
        let pkcs8 = ring::signature::Ed25519KeyPair::generate_pkcs8(&rng).unwrap();
        cache.get(Algorithm::EdDSA, &EncodingKey::from_ed_der(pkcs8.as_ref())).unwrap();
        let again = cache.get(Algorithm::ES256, &es256().private).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        assert!(cache.len() <= 16);
    }
    assert_eq!(cache.len(), 16);
}

#[test]
fn the_cache_does_not_remember_keys_that_do_not_parse() {
    let cache = KeyCache::new();
    assert!(cache.get(Algorithm::RS256, &EncodingKey::from_rsa_der(RSA_1024)).is_err());
    assert!(cache.get(Algorithm::ES256, &rs256().private).is_err());
    assert_eq!(cache.len(), 0);
}

#[test]
fn a_panicking_foreign_provider_does_not_reach_verification() {
    let signature = encode(signature(&es256(), b"message"));
    let key = public(&es256());
    assert!(verify_as(Installed::Foreign, &signature, b"message", &key, Algorithm::ES256));
    assert!(!verify_as(Installed::Foreign, "*", b"message", &key, Algorithm::ES256));
}

#[test]
fn signers_name_their_algorithm() {
    let signer = super::signing::signer(&Algorithm::ES256, &es256().private).unwrap();
    assert_eq!(JwtSigner::algorithm(signer.as_ref()), Algorithm::ES256);
    let verifier = super::verifying::verifier(&Algorithm::ES256, &public(&es256())).unwrap();
    assert_eq!(JwtVerifier::algorithm(verifier.as_ref()), Algorithm::ES256);
}
