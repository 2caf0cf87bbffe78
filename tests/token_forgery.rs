//! Access tokens that are not ours, against a running server (TK-01, TK-02, TK-07).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::crypto::key_ring::SigningAlgorithm;

use crate::harness::TestServer;

/// A token's claims, unverified.
pub fn claims(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, index: usize) -> Value {
    let part = token.split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Signs claims with the server's own key under a header of one's choice.
pub async fn sign(server: &TestServer, header: &Header, claims: &Value) -> String {
    let now = server.context().now;
    let ring = server.app.secrets.signing(now).await.unwrap();
    let key = ring.current(SigningAlgorithm::RS256, now).unwrap();
    jsonwebtoken::encode(header, claims, &EncodingKey::from_rsa_der(key.pkcs8.expose())).unwrap()
}

pub fn good_header() -> Header {
    Header { typ: Some("at+jwt".to_owned()), kid: Some("rs256-1".to_owned()), ..Header::new(Algorithm::RS256) }
}

fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}.", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// Each forgery by name; the first one is the genuine article.
pub async fn forgeries(server: &TestServer) -> Vec<(&'static str, String)> {
    let genuine = server.signed_in().await.string("access_token");
    let claims = claims(&genuine);
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let public = server.get("/.well-known/jwks.json").await;
    let hmac_with_public_key = {
        let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": "rs256-1" });
        let input = unsigned(&header, &claims);
        let input = input.trim_end_matches('.');
        let modulus = public.json()["keys"][0]["n"].as_str().unwrap().to_owned();
        let key = EncodingKey::from_secret(modulus.as_bytes());
        let mac = jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::HS256);
        // Our provider knows no HMAC at all: any signature will do.
        format!("{input}.{}", mac.unwrap_or_else(|_| URL_SAFE_NO_PAD.encode([0; 32])))
    };
    let mut with_crit = part(&genuine, 0);
    with_crit["crit"] = json!(["exp"]);
    let crit = {
        let input = unsigned(&with_crit, &claims);
        let input = input.trim_end_matches('.').to_owned();
        let now = server.context().now;
        let ring = server.app.secrets.signing(now).await.unwrap();
        let key = ring.current(SigningAlgorithm::RS256, now).unwrap();
        let key = EncodingKey::from_rsa_der(key.pkcs8.expose());
        format!("{input}.{}", jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::RS256).unwrap())
    };
    let foreign_kid = Header { kid: Some("foreign".to_owned()), ..good_header() };
    let wrong_kid = Header { kid: Some("es256-1".to_owned()), ..good_header() };
    let id_token = Header { typ: Some("JWT".to_owned()), ..good_header() };
    vec![
        ("genuine", genuine.clone()),
        ("alg=none", unsigned(&json!({ "alg": "none", "typ": "at+jwt", "kid": "rs256-1" }), &claims)),
        ("HS256 with the public key", hmac_with_public_key),
        ("foreign kid", sign(server, &foreign_kid, &claims).await),
        ("another key's kid", sign(server, &wrong_kid, &claims).await),
        ("an ID token's type", sign(server, &id_token, &claims).await),
        ("missing iss", sign(server, &good_header(), &without("iss")).await),
        ("missing aud", sign(server, &good_header(), &without("aud")).await),
        ("missing exp", sign(server, &good_header(), &without("exp")).await),
        ("foreign iss", sign(server, &good_header(), &with("iss", json!("https://evil.example"))).await),
        ("foreign aud", sign(server, &good_header(), &with("aud", json!(["https://other.example"]))).await),
        ("expired", sign(server, &good_header(), &with("exp", json!(1_700_000_000))).await),
        ("unknown crit", crit),
        ("a changed claim", {
            let parts: Vec<&str> = genuine.split('.').collect();
            let changed = URL_SAFE_NO_PAD.encode(with("roles", json!(["admin"])).to_string());
            format!("{}.{changed}.{}", parts[0], parts[2])
        }),
    ]
}

#[tokio::test]
async fn sec_tk_01_access_tokens_follow_rfc_9068() {
    for algorithm in ["RS256", "ES256"] {
        let server = TestServer::with(&[("AUTH__TOKENS__ALGORITHM", algorithm)]).await;
        let signed_in = server.signed_in().await;
        let token = signed_in.string("access_token");
        let header = part(&token, 0);
        assert_eq!((header["typ"].as_str(), header["alg"].as_str()), (Some("at+jwt"), Some(algorithm)));
        let claims = claims(&token);
        assert_eq!(claims["iss"], server.base);
        assert_eq!(claims["aud"], json!([server.base]));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
        assert_eq!(claims["auth_time"], claims["iat"]);
        assert_eq!(claims["sid"], signed_in.json()["session_id"]);
        assert_eq!((&claims["client_id"], &claims["scope"]), (&json!("wardgate"), &json!("account")));
        assert_eq!(claims["amr"], json!(["pwd"]));
        assert!(claims["sub"].as_str().unwrap().starts_with("usr_"));
        assert!(claims["jti"].as_str().unwrap().starts_with("jti_"));
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", &token).await.status, 200);
    }
}

#[tokio::test]
async fn sec_tk_02_sec_tk_07_forged_access_tokens_are_refused_everywhere() {
    let server = TestServer::start().await;
    for (index, (name, token)) in forgeries(&server).await.into_iter().enumerate() {
        let expected = if index == 0 { 200 } else { 401 };
        for path in ["/v1/me", "/v1/sessions"] {
            assert_eq!(server.as_bearer(Method::GET, path, &token).await.status, expected, "{name} at {path}");
        }
    }
}
