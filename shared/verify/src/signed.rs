//! Keys and signed tokens for the tests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::{KeySet, Verifier, provider};

pub(crate) const ISSUER: &str = "https://auth.example.com";
pub(crate) const AUDIENCE: &str = "https://api.example.com";
pub(crate) const NOW: i64 = 1_800_000_060;
pub(crate) const IAT: i64 = 1_800_000_000;
pub(crate) const EXP: i64 = 1_800_000_600;

pub(crate) const RSA_2048: &[u8] = include_bytes!("../testdata/rsa-2048.pkcs8.der");
pub(crate) const RSA_1024: &[u8] = include_bytes!("../testdata/rsa-1024.pkcs8.der");
pub(crate) const RSA_E65539: &[u8] = include_bytes!("../testdata/rsa-2048-e65539.pkcs8.der");
pub(crate) const P256: &[u8] = include_bytes!("../testdata/p256.pkcs8.der");
pub(crate) const ED25519: &[u8] = include_bytes!("../testdata/ed25519.pkcs8.der");

pub(crate) struct TestKey {
    pub(crate) kid: &'static str,
    pub(crate) algorithm: Algorithm,
    pub(crate) name: &'static str,
    pub(crate) private: EncodingKey,
}

pub(crate) fn rs256() -> TestKey {
    TestKey { kid: "rsa-1", algorithm: Algorithm::RS256, name: "RS256", private: EncodingKey::from_rsa_der(RSA_2048) }
}

pub(crate) fn es256() -> TestKey {
    TestKey { kid: "ec-1", algorithm: Algorithm::ES256, name: "ES256", private: EncodingKey::from_ec_der(P256) }
}

pub(crate) fn eddsa() -> TestKey {
    TestKey { kid: "ed-1", algorithm: Algorithm::EdDSA, name: "EdDSA", private: EncodingKey::from_ed_der(ED25519) }
}

impl TestKey {
    pub(crate) fn jwk(&self) -> Value {
        assert_eq!(provider::install(), provider::Installed::Ours);
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["use"] = json!("sig");
        jwk
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.name, "typ": "at+jwt", "kid": self.kid})
    }

    /// Signs any two texts, JSON or not.
    pub(crate) fn sign(&self, header: &str, payload: &str) -> String {
        assert_eq!(provider::install(), provider::Installed::Ours);
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    /// A good token but for the header parameters given; `null` takes one away.
    pub(crate) fn token_with_header(&self, changes: &Value) -> String {
        self.sign(&changed(self.header(), changes).to_string(), &claims().to_string())
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

pub(crate) fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "user-1", "aud": [AUDIENCE], "exp": EXP, "iat": IAT,
        "jti": "token-1", "client_id": "web", "scope": "openid orders:read",
        "sid": "session-1", "auth_time": IAT - 30, "amr": ["pwd", "otp"], "roles": ["admin"],
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

pub(crate) fn key_set(jwks: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

pub(crate) fn keys() -> KeySet {
    key_set(&[rs256().jwk(), es256().jwk(), eddsa().jwk()])
}

pub(crate) fn verifier() -> Verifier {
    Verifier::new(ISSUER, [AUDIENCE]).unwrap()
}
