//! Keys for a laptop: made once, kept in a file that only its owner can read.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};
use wardgate::crypto::key_ring::{MacKey, Ring, SigningAlgorithm, SigningKey, Validity, WrapKey};
use wardgate::crypto::secret_bytes::SecretBytes;
use wardgate::domain::timestamp::Timestamp;
use wardgate::entropy::Entropy;
use wardgate::secrets::RingName;
use zeroize::Zeroizing;

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
        complete(file, now, entropy)?;
        return Ok(Keys::Found);
    }
    write(file, &document(now, entropy)?)?;
    Ok(Keys::Generated)
}

/// Adds the ring that a file of an earlier release does not have. What is no key file stays as it is: the first ring that is
/// read says so.
fn complete(file: &Path, now: Timestamp, entropy: &dyn Entropy) -> Result<(), DevError> {
    let failed = |cause| DevError::Folder { folder: file.to_owned(), cause };
    let text = Zeroizing::new(std::fs::read(file).map_err(failed)?);
    let ring = RingName::FactorWrap.name();
    match serde_json::from_slice::<Map<String, Value>>(&text) {
        Ok(mut rings) if !rings.contains_key(ring) => {
            rings.insert(ring.to_owned(), json!(wrap(now, entropy)?));
            write(file, &Value::Object(rings))
        }
        _ => Ok(()),
    }
}

fn write(file: &Path, rings: &Value) -> Result<(), DevError> {
    let text = Zeroizing::new(rings.to_string());
    // Written whole under another name first: a crash must not leave half a key file behind.
    let fresh = file.with_extension("new");
    let written =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&fresh).and_then(|mut f| {
            f.write_all(text.as_bytes())?;
            f.sync_all()?;
            std::fs::rename(&fresh, file)
        });
    written.map_err(|cause| DevError::Folder { folder: file.to_owned(), cause })
}

fn secret(entropy: &dyn Entropy) -> Result<SecretBytes, DevError> {
    let bytes: [u8; 32] = entropy.bytes().map_err(|error| DevError::Keys(error.to_string()))?;
    Ok(SecretBytes::new(bytes.to_vec()))
}

fn wrap(now: Timestamp, entropy: &dyn Entropy) -> Result<Ring<WrapKey>, DevError> {
    Ok(Ring { keys: vec![WrapKey { version: 1, secret: secret(entropy)?, sign_from: now }] })
}

/// Every ring, as `AUTH__SECRETS__FILE` has them.
pub fn document(now: Timestamp, entropy: &dyn Entropy) -> Result<Value, DevError> {
    let end = now.plus(LIFE);
    let validity = Validity { sign_from: now, sign_until: end, publish_until: end };
    let signing_key = |alg, kid: &str| -> Result<SigningKey, DevError> {
        let pkcs8 = wardgate_generate::generate(alg).map_err(|error| DevError::Keys(error.to_string()))?;
        Ok(SigningKey { kid: kid.to_owned(), alg, pkcs8, validity })
    };
    let signing = Ring {
        keys: vec![signing_key(SigningAlgorithm::RS256, "rs256-1")?, signing_key(SigningAlgorithm::ES256, "es256-1")?],
    };
    let public_keys = signing.public().map_err(|error| DevError::Keys(error.to_string()))?;
    let mac = |kid: &str| Ok(Ring { keys: vec![MacKey { kid: kid.to_owned(), secret: secret(entropy)?, validity }] });
    Ok(json!({
        "signing": signing,
        "public_keys": public_keys,
        "session_mac": mac("s1")?,
        "login_mac": mac("l1")?,
        "mail_mac": mac("m1")?,
        "password_wrap": wrap(now, entropy)?,
        "factor_wrap": wrap(now, entropy)?,
    }))
}

#[cfg(test)]
mod tests {
    use wardgate::entropy::SystemEntropy;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_772_368_200_000);

    fn read(file: &Path) -> Map<String, Value> {
        serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
    }

    #[test]
    fn a_key_file_of_an_earlier_release_gets_the_ring_that_it_lacks_and_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.json");
        assert_eq!(ensure(&file, NOW, &SystemEntropy).unwrap(), Keys::Generated);
        let mut earlier = read(&file);
        earlier.remove("factor_wrap").unwrap();
        write(&file, &Value::Object(earlier.clone())).unwrap();
        for _ in 0..2 {
            assert_eq!(ensure(&file, NOW, &SystemEntropy).unwrap(), Keys::Found);
        }
        let mut completed = read(&file);
        assert_eq!(completed.remove("factor_wrap").unwrap()["keys"].as_array().unwrap().len(), 1);
        assert_eq!(completed, earlier);
        // What is no key file stays as it is.
        std::fs::write(&file, "s3cret").unwrap();
        assert_eq!(ensure(&file, NOW, &SystemEntropy).unwrap(), Keys::Found);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "s3cret");
    }
}
