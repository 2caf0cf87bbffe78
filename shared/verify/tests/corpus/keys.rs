//! The corpus' keys, and how its tokens are signed.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use wardgate_verify::provider;

const RSA: &[u8] = include_bytes!("../../testdata/rsa-2048.pkcs8.der");
const P256: &[u8] = include_bytes!("../../testdata/p256.pkcs8.der");
const ED25519: &[u8] = include_bytes!("../../testdata/ed25519.pkcs8.der");

pub(crate) struct Keys {
    pub(crate) rsa: Key,
    pub(crate) ec: Key,
    pub(crate) ed: Key,
    /// Of the same identifier as `ed`, and not in the set.
    pub(crate) foreign: Key,
}

pub(crate) struct Key {
    pub(crate) kid: &'static str,
    pub(crate) name: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
    /// Signatures that are there already, by what they sign: ES256 makes another each time.
    kept: HashMap<String, String>,
}

impl Keys {
    /// With the signatures of a document that was written before.
    pub(crate) fn new(document: &str) -> Self {
        assert_eq!(provider::install(), provider::Installed::Ours);
        let key = |kid, name, algorithm, private| Key { kid, name, algorithm, private, kept: HashMap::new() };
        let mut foreign = ED25519.to_vec();
        *foreign.last_mut().unwrap() ^= 1;
        let mut keys = Self {
            rsa: key("rsa-1", "RS256", Algorithm::RS256, EncodingKey::from_rsa_der(RSA)),
            ec: key("ec-1", "ES256", Algorithm::ES256, EncodingKey::from_ec_der(P256)),
            ed: key("ed-1", "EdDSA", Algorithm::EdDSA, EncodingKey::from_ed_der(ED25519)),
            foreign: key("ed-1", "EdDSA", Algorithm::EdDSA, EncodingKey::from_ed_der(&foreign)),
        };
        keys.ec.keep(document);
        keys
    }

    pub(crate) fn jwks(&self) -> Value {
        json!({ "keys": [self.rsa.jwk(), self.ec.jwk(), self.ed.jwk()] })
    }
}

impl Key {
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.kid.to_owned());
        let mut jwk = serde_json::to_value(jwk).unwrap();
        jwk["use"] = json!("sig");
        jwk
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": self.name, "typ": "at+jwt", "kid": self.kid})
    }

    /// Signs any bytes, JSON or not.
    pub(crate) fn sign(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.sign_parts(&encode(header), &encode(payload))
    }

    /// Signs any two texts, base64url or not.
    pub(crate) fn sign_parts(&self, header: &str, payload: &str) -> String {
        let message = format!("{header}.{payload}");
        let signature =
            self.kept.get(&message).cloned().unwrap_or_else(|| {
                jsonwebtoken::crypto::sign(message.as_bytes(), &self.private, self.algorithm).unwrap()
            });
        format!("{message}.{signature}")
    }

    fn keep(&mut self, document: &str) {
        let jwk = self.jwk();
        let octets = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
        let point = [&[0x04], octets("x").as_slice(), octets("y").as_slice()].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        for token in document["tokens"].as_array().into_iter().flatten() {
            let parts: Vec<String> = serde_json::from_value(token["parts"].clone()).unwrap_or_default();
            let [header, payload, signature] = parts.as_slice() else { continue };
            let message = format!("{header}.{payload}");
            let octets = URL_SAFE_NO_PAD.decode(signature).unwrap_or_default();
            if public.verify(message.as_bytes(), &octets).is_ok() {
                self.kept.insert(message, signature.clone());
            }
        }
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
