//! An authenticator and its browser, in software: it takes the options that an endpoint answers with, and gives what a page
//! sends back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use wardgate::crypto::webauthn::cbor;

/// Making an RSA key takes a while, and this one signs nothing else.
const RSA_KEY: &[u8] = include_bytes!("../../../shared/verify/testdata/rsa-2048.pkcs8.der");

/// Somebody was there.
pub const UP: u8 = 0x01;
/// It was the authenticator's user.
pub const UV: u8 = 0x04;
/// The credential can be backed up.
pub const BE: u8 = 0x08;
/// It is backed up.
pub const BS: u8 = 0x10;
/// A credential was made.
const AT: u8 = 0x40;

/// What a credential signs with.
pub enum Key {
    /// ECDSA on P-256.
    Es256(EcdsaKeyPair),
    /// Ed25519.
    EdDsa(Ed25519KeyPair),
    /// RSA of 2048 bits.
    Rs256(RsaKeyPair),
}

impl Key {
    /// A key of the algorithm that COSE has under this number.
    pub fn of(algorithm: i64) -> Self {
        let random = SystemRandom::new();
        let ecdsa = &ECDSA_P256_SHA256_ASN1_SIGNING;
        match algorithm {
            -7 => {
                let document = EcdsaKeyPair::generate_pkcs8(ecdsa, &random).unwrap();
                Self::Es256(EcdsaKeyPair::from_pkcs8(ecdsa, document.as_ref(), &random).unwrap())
            }
            -8 => {
                let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
                Self::EdDsa(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
            }
            -257 => Self::Rs256(RsaKeyPair::from_pkcs8(RSA_KEY).unwrap()),
            other => panic!("no key of algorithm {other}"),
        }
    }

    fn cose(&self) -> Vec<u8> {
        let number = |number: i64| cbor::Value::from(number);
        match self {
            Self::Es256(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                let point = [(number(-2), cbor::Value::Bytes(x)), (number(-3), cbor::Value::Bytes(y))];
                let mut key = vec![(number(1), number(2)), (number(3), number(-7)), (number(-1), number(1))];
                key.extend(point);
                encoded(&cbor::Value::Map(key))
            }
            Self::EdDsa(pair) => {
                let x = cbor::Value::Bytes(pair.public_key().as_ref());
                let key = [(number(1), number(1)), (number(3), number(-8)), (number(-1), number(6)), (number(-2), x)];
                encoded(&cbor::Value::Map(key.to_vec()))
            }
            Self::Rs256(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                let (n, e) = (cbor::Value::Bytes(&public.n), cbor::Value::Bytes(&public.e));
                let key = [(number(1), number(3)), (number(3), number(-257)), (number(-1), n), (number(-2), e)];
                encoded(&cbor::Value::Map(key.to_vec()))
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// One credential, and all that it says of itself. Whatever is public may be set to what it should not be.
pub struct Authenticator {
    /// What it signs with.
    pub key: Key,
    /// What authenticators and we know it by.
    pub credential_id: Vec<u8>,
    /// As the credential was made with; none before.
    pub user_handle: Option<Vec<u8>>,
    /// The page's, as the browser sees it.
    pub origin: String,
    /// The site around the page's frame.
    pub top_origin: Option<String>,
    /// What it hashes, unless what the options say.
    pub rp_id: Option<String>,
    /// [`UP`], [`UV`], [`BE`], [`BS`].
    pub flags: u8,
    /// What it adds each time; 0 for one that does not count.
    pub counts_by: u32,
    /// What it has counted so far.
    pub sign_count: u32,
}

impl Authenticator {
    /// A passkey that a manager keeps in step on several devices: what most people have. It does not count.
    pub fn synced(origin: &str) -> Self {
        Self {
            key: Key::of(-7),
            credential_id: random::<20>().to_vec(),
            user_handle: None,
            origin: origin.to_owned(),
            top_origin: None,
            rp_id: None,
            flags: UP | UV | BE | BS,
            counts_by: 0,
            sign_count: 0,
        }
    }

    /// One that never leaves its device, and counts.
    pub fn device_bound(origin: &str) -> Self {
        Self { flags: UP | UV, counts_by: 1, ..Self::synced(origin) }
    }

    /// A key without a PIN: it knows that somebody is there, and not who.
    pub fn without_verification(origin: &str) -> Self {
        Self { flags: UP, ..Self::device_bound(origin) }
    }

    /// The same with a key of this algorithm.
    #[must_use]
    pub fn with_key(self, algorithm: i64) -> Self {
        Self { key: Key::of(algorithm), ..self }
    }

    /// `navigator.credentials.create`, with `toJSON()`. It does not look at what is excluded.
    pub fn create(&mut self, options: &Value) -> Value {
        let handle = options["user"]["id"].as_str().unwrap();
        self.user_handle = Some(URL_SAFE_NO_PAD.decode(handle).unwrap());
        let client_data = self.client_data("webauthn.create", options);
        let public_key = self.key.cose();
        let length = u16::try_from(self.credential_id.len()).unwrap().to_be_bytes();
        let credential = [&[0; 16][..], &length, &self.credential_id, &public_key].concat();
        let data = self.authenticator_data(options["rp"]["id"].as_str().unwrap(), &credential);
        let text = cbor::Value::Text;
        let object = cbor::Value::Map(vec![
            (text("fmt"), text("none")),
            (text("attStmt"), cbor::Value::Map(Vec::new())),
            (text("authData"), cbor::Value::Bytes(&data)),
        ]);
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "attestationObject": URL_SAFE_NO_PAD.encode(encoded(&object)),
            "transports": if self.flags & BE != 0 { ["hybrid", "internal"] } else { ["usb", "nfc"] },
        }))
    }

    /// `navigator.credentials.get`, with `toJSON()`. It does not look at what is allowed.
    pub fn get(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.authenticator_data(options["rpId"].as_str().unwrap(), &[]);
        let signature = self.key.sign(&[&data, digest(&SHA256, &client_data).as_ref()].concat());
        self.answer(&json!({
            "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
            "authenticatorData": URL_SAFE_NO_PAD.encode(data),
            "signature": URL_SAFE_NO_PAD.encode(signature),
            "userHandle": self.user_handle.as_ref().map(|handle| URL_SAFE_NO_PAD.encode(handle)),
        }))
    }

    fn answer(&self, response: &Value) -> Value {
        let id = URL_SAFE_NO_PAD.encode(&self.credential_id);
        json!({
            "id": id,
            "rawId": id,
            "type": "public-key",
            "authenticatorAttachment": if self.flags & BE != 0 { "platform" } else { "cross-platform" },
            "clientExtensionResults": {},
            "response": response,
        })
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let mut client_data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": self.top_origin.is_some(),
            // As Chromium adds it now and then.
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        });
        if let Some(top_origin) = &self.top_origin {
            client_data["topOrigin"] = json!(top_origin);
        }
        client_data.to_string().into_bytes()
    }

    fn authenticator_data(&mut self, rp_id: &str, credential: &[u8]) -> Vec<u8> {
        self.sign_count += self.counts_by;
        let flags = if credential.is_empty() { self.flags } else { self.flags | AT };
        let rp_id = self.rp_id.as_deref().unwrap_or(rp_id);
        let hash = digest(&SHA256, rp_id.as_bytes());
        [hash.as_ref(), &[flags], &self.sign_count.to_be_bytes(), credential].concat()
    }
}

fn encoded(value: &cbor::Value<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    value.encode(&mut bytes);
    bytes
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes
}
