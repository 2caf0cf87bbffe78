//! Keys for a laptop: made once, kept in a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use getrandom::SysRng;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::UnwrapErr;
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use wardgate::crypto::key_ring::{MacKey, PublicKey, Ring, SigningAlgorithm, SigningKey, Validity, WrapKey};
use wardgate::crypto::secret_bytes::SecretBytes;
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::Entropy;

use crate::dev::DevError;

/// Nobody rotates a laptop's keys.
const LIFE: Duration = Duration::from_hours(10 * 365 * 24);

/// Whether keys were made or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// The file is new.
    Generated,
    /// It was there.
    Found,
}

/// Writes a file with every ring unless there is one. The first key of each ring signs at once.
pub fn ensure(file: &Path, now: Timestamp, entropy: &dyn Entropy) -> Result<Keys, DevError> {
    if file.exists() {
        return Ok(Keys::Found);
    }
    let text = document(now, entropy)?.to_string();
    // Written whole under another name first: a crash must not leave half a key file behind.
    let fresh = file.with_extension("new");
    let written =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh).and_then(|mut f| {
            f.write_all(text.as_bytes())?;
            f.sync_all()?;
            std::fs::rename(&fresh, file)
        });
    written.map_err(|cause| DevError::Folder { folder: file.to_owned(), cause })?;
    Ok(Keys::Generated)
}

/// Every ring, as `AUTH__SECRETS__FILE` has them.
pub fn document(now: Timestamp, entropy: &dyn Entropy) -> Result<Value, DevError> {
    let end = now.plus(LIFE);
    let validity = Validity { sign_from: now, sign_until: end, publish_until: end };
    let (rsa_private, rsa_public) = rsa_key("rs256-1")?;
    let (ec_private, ec_public) = ec_key("es256-1")?;
    let signing = Ring {
        keys: vec![
            SigningKey { kid: "rs256-1".to_owned(), alg: SigningAlgorithm::RS256, pkcs8: rsa_private, validity },
            SigningKey { kid: "es256-1".to_owned(), alg: SigningAlgorithm::ES256, pkcs8: ec_private, validity },
        ],
    };
    let public_keys =
        Ring { keys: [rsa_public, ec_public].into_iter().map(|jwk| PublicKey { jwk, validity }).collect() };
    let secret = || -> Result<SecretBytes, DevError> {
        let bytes: [u8; 32] = entropy.bytes().map_err(|error| DevError::Keys(error.to_string()))?;
        Ok(SecretBytes::new(bytes.to_vec()))
    };
    let mac = |kid: &str| Ok(Ring { keys: vec![MacKey { kid: kid.to_owned(), secret: secret()?, validity }] });
    Ok(json!({
        "signing": signing,
        "public_keys": public_keys,
        "session_mac": mac("s1")?,
        "login_mac": mac("l1")?,
        "mail_mac": mac("m1")?,
        "password_wrap": Ring { keys: vec![WrapKey { version: 1, secret: secret()?, sign_from: now }] },
    }))
}

fn rsa_key(kid: &str) -> Result<(SecretBytes, Value), DevError> {
    let failed = |error: &dyn std::fmt::Display| DevError::Keys(error.to_string());
    let key = rsa::RsaPrivateKey::new(&mut UnwrapErr(SysRng), 2048).map_err(|e| failed(&e))?;
    let pkcs8 = key.to_pkcs8_der().map_err(|error| failed(&error))?;
    let jwk = json!({
        "kid": kid, "kty": "RSA", "alg": "RS256", "use": "sig",
        "n": URL_SAFE_NO_PAD.encode(key.n().to_be_bytes_trimmed_vartime()),
        "e": URL_SAFE_NO_PAD.encode(key.e().to_be_bytes_trimmed_vartime()),
    });
    Ok((SecretBytes::new(pkcs8.as_bytes().to_vec()), jwk))
}

fn ec_key(kid: &str) -> Result<(SecretBytes, Value), DevError> {
    let random = SystemRandom::new();
    let failed = || DevError::Keys("no P-256 key".to_owned());
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| failed())?;
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).map_err(|_| failed())?;
    // The uncompressed point: 0x04, then x and y of 32 bytes each.
    let (x, y) = pair.public_key().as_ref().get(1..).and_then(|point| point.split_at_checked(32)).ok_or_else(failed)?;
    let jwk = json!({
        "kid": kid, "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig",
        "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
    });
    Ok((SecretBytes::new(pkcs8.as_ref().to_vec()), jwk))
}
