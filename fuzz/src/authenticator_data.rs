//! Authenticator data from strangers: its parts are all of it, and what it registers has a key that we take (MF-09, MF-12).

use wardgate::crypto::webauthn::authenticator_data::{AuthenticatorData, MAX_CREDENTIAL_ID};
use wardgate::crypto::webauthn::cbor::Value;
use wardgate::crypto::webauthn::cose::PublicKey;

pub(crate) fn run(data: &[u8]) {
    let Ok(parsed) = AuthenticatorData::parse(data) else { return };
    let mut again = [&parsed.rp_id_hash[..], &[parsed.flags.bits()], &parsed.sign_count.to_be_bytes()].concat();
    assert_eq!(parsed.credential.is_some(), parsed.flags.bits() & 0x40 != 0);
    if let Some(credential) = &parsed.credential {
        assert!((1..=MAX_CREDENTIAL_ID).contains(&credential.id.len()));
        let length = u16::try_from(credential.id.len()).expect("at most 1023");
        again.extend([&credential.aaguid[..], &length.to_be_bytes(), credential.id, credential.public_key].concat());
        assert!(Value::parse(credential.public_key).is_ok());
        if let Ok(key) = PublicKey::parse(credential.public_key) {
            // Nobody has signed this, least of all with this.
            assert!(key.verify(data, credential.public_key).is_err() && key.verify(data, credential.id).is_err());
        }
    }
    assert_eq!(parsed.extensions.is_some(), parsed.flags.bits() & 0x80 != 0);
    if let Some(extensions) = parsed.extensions {
        assert!(matches!(Value::parse(extensions), Ok(Value::Map(_))));
        again.extend_from_slice(extensions);
    }
    assert!(again == data, "parts are missing, or something was passed over");
}
