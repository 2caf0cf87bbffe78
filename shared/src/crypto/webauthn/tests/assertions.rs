use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::webauthn::assertion::{
    Assertion, AssertionResponse, Counter, ExpectedAssertion, Identified, verify_assertion,
};
use crate::crypto::webauthn::client_data::ClientData;
use crate::crypto::webauthn::errors::{CeremonyError, KeyError};
use crate::crypto::webauthn::expected::{UserVerification, claimed_user, user_handle};
use crate::crypto::webauthn::tests::{Asserted, FLAGS, Hex, replaced, top_origins, usable_vectors, with_relying_party};
use crate::domain::id::UserId;
use crate::domain::passkey::CredentialRecord;

const OWNER: UserId = UserId::from_bytes([7; 16]);

/// A second factor's assertion, which names nobody.
fn verify(asserted: &Asserted, record: &CredentialRecord) -> Result<Assertion, CeremonyError> {
    verify_as(asserted, record, None, UserVerification::Preferred, Identified::Before, &top_origins())
}

fn verify_as(
    asserted: &Asserted,
    record: &CredentialRecord,
    user_handle: Option<&[u8]>,
    user_verification: UserVerification,
    identified: Identified,
    top_origins: &[String],
) -> Result<Assertion, CeremonyError> {
    let response = AssertionResponse {
        credential_id: &record.id,
        client_data_json: &asserted.client_data.0,
        authenticator_data: &asserted.authenticator_data.0,
        signature: &asserted.signature.0,
        user_handle,
    };
    let expected = ExpectedAssertion { challenge: &asserted.challenge.0, user_verification, identified };
    with_relying_party(top_origins, |it| verify_assertion(&response, &expected, it, record, OWNER))
}

#[track_caller]
fn refuses(asserted: &Asserted, record: &CredentialRecord, error: CeremonyError, what: &str) {
    assert_eq!(verify(asserted, record), Err(error), "{what}");
}

impl Asserted {
    fn with_data(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut other = self.clone();
        change(&mut other.authenticator_data.0);
        other
    }
}

#[test]
fn the_specifications_vectors_sign_in() {
    let vectors = usable_vectors();
    assert_eq!(vectors.len(), 12);
    for (name, vector, record) in vectors {
        let asserted = &vector.authentication;
        let flags = asserted.authenticator_data.0[FLAGS];
        let expected = Assertion {
            sign_count: 0,
            counter: Counter::Plausible,
            backup_state: flags & 0x10 != 0,
            user_verified: flags & 0x04 != 0,
        };
        assert_eq!(verify(asserted, &record), Ok(expected), "{name}");
        assert_eq!(ClientData::parse(&asserted.client_data.0).unwrap().challenge(), Some(asserted.challenge.0.clone()));
    }
}

#[test]
fn sec_mf_09_each_wrong_member_of_the_client_data_is_refused_by_its_own_error() {
    for (name, vector, record) in usable_vectors() {
        let asserted = &vector.authentication;
        let challenge = URL_SAFE_NO_PAD.encode(&asserted.challenge.0);
        let other_challenge = URL_SAFE_NO_PAD.encode([7; 32]);
        let changes = [
            ("webauthn.get", "webauthn.create", CeremonyError::Type),
            (&challenge, &other_challenge, CeremonyError::Challenge),
            ("\"https://example.org\"", "\"https://evil.example\"", CeremonyError::Origin),
            ("\"origin\"", "\"other\"", CeremonyError::ClientData),
            // Nothing that is checked has changed: but it is signed as it was.
            ("{", "{ ", CeremonyError::Signature),
            ("{", "{\"another\":1,", CeremonyError::Signature),
        ];
        for (from, to, error) in changes {
            let client_data = replaced(&asserted.client_data, from, to);
            refuses(&Asserted { client_data, ..asserted.clone() }, &record, error, &format!("{name}: {from} {to}"));
        }
        let other = Asserted { challenge: Hex(vec![7; 32]), ..asserted.clone() };
        refuses(&other, &record, CeremonyError::Challenge, &name);
    }
}

#[test]
fn sec_mf_10_a_frame_is_refused_unless_the_site_around_it_is_listed() {
    for (name, vector, record) in usable_vectors() {
        let within = |top_origins: &[String]| {
            let preferred = UserVerification::Preferred;
            let verified = verify_as(&vector.authentication, &record, None, preferred, Identified::Before, top_origins);
            verified.map(|_| ())
        };
        let is_framed = name.ends_with("Origin");
        assert_eq!(within(&[]), if is_framed { Err(CeremonyError::CrossOrigin) } else { Ok(()) }, "{name}");
        let names_its_top = name.ends_with("topOrigin");
        let other = within(&["https://example.net".to_owned()]);
        assert_eq!(other, if names_its_top { Err(CeremonyError::TopOrigin) } else { Ok(()) }, "{name}");
    }
}

#[test]
fn sec_mf_09_each_wrong_part_of_the_authenticator_data_is_refused_by_its_own_error() {
    for (name, vector, record) in usable_vectors() {
        let asserted = &vector.authentication;
        let is_eligible = record.backup_eligible;
        let refuses = |change: &dyn Fn(&mut Vec<u8>), error: CeremonyError, what: &str| {
            refuses(&asserted.with_data(change), &record, error, &format!("{name}: {what}"));
        };
        for at in 0..FLAGS {
            refuses(&|data| data[at] ^= 1, CeremonyError::RpIdHash, "the relying party");
        }
        refuses(&|data| data[FLAGS] &= !0x01, CeremonyError::UserPresence, "UP");
        refuses(&|data| data[FLAGS] = data[FLAGS] & !0x08 | 0x10, CeremonyError::BackupState, "BS without BE");
        let flipped =
            |data: &mut Vec<u8>| data[FLAGS] = if is_eligible { data[FLAGS] & !0x18 } else { data[FLAGS] | 0x08 };
        refuses(&flipped, CeremonyError::BackupEligibility, "BE");
        refuses(&|data| data[FLAGS] ^= 0x04, CeremonyError::Signature, "UV");
        refuses(&|data| data[FLAGS] ^= 0x02, CeremonyError::Signature, "a reserved bit");
        refuses(&|data| data[36] ^= 1, CeremonyError::Signature, "the counter");
        refuses(&|data| data[FLAGS] |= 0x40, CeremonyError::AuthenticatorData, "AT");
        refuses(&|data| data[FLAGS] |= 0x80, CeremonyError::Extensions, "ED");
        refuses(&|data| data.push(0), CeremonyError::AuthenticatorData, "a byte too many");
        for length in 0..37 {
            refuses(&|data| data.truncate(length), CeremonyError::AuthenticatorData, "cut");
        }
        let other = CredentialRecord { backup_eligible: !is_eligible, ..record.clone() };
        assert_eq!(verify(asserted, &other), Err(CeremonyError::BackupEligibility), "{name}");
    }
}

#[test]
fn sec_mf_09_no_byte_of_what_is_signed_or_of_the_signature_can_change() {
    for (name, vector, record) in usable_vectors() {
        let asserted = &vector.authentication;
        let parts: [fn(&mut Asserted) -> &mut Vec<u8>; 3] =
            [|it| &mut it.authenticator_data.0, |it| &mut it.client_data.0, |it| &mut it.signature.0];
        for part in parts {
            let length = part(&mut asserted.clone()).len();
            for at in 0..length {
                let mut other = asserted.clone();
                part(&mut other)[at] ^= 0x20;
                assert!(verify(&other, &record).is_err(), "{name}: byte {at} of {length}");
            }
            let mut longer = asserted.clone();
            part(&mut longer).push(b' ');
            assert!(verify(&longer, &record).is_err(), "{name}");
        }
        let empty = Asserted { signature: Hex(vec![]), ..asserted.clone() };
        refuses(&empty, &record, CeremonyError::Signature, &name);
    }
}

#[test]
fn sec_mf_09_each_credential_verifies_by_its_own_record_alone() {
    let vectors = usable_vectors();
    for (name, vector, record) in &vectors {
        for (other_name, _, other) in vectors.iter().filter(|(other, ..)| other != name) {
            let flags = CredentialRecord { public_key: other.public_key.clone(), ..record.clone() };
            refuses(&vector.authentication, &flags, CeremonyError::Signature, &format!("{name} by {other_name}"));
        }
        let response = AssertionResponse {
            credential_id: b"another",
            client_data_json: &vector.authentication.client_data.0,
            authenticator_data: &vector.authentication.authenticator_data.0,
            signature: &vector.authentication.signature.0,
            user_handle: None,
        };
        let expected = ExpectedAssertion {
            challenge: &vector.authentication.challenge.0,
            user_verification: UserVerification::Preferred,
            identified: Identified::Before,
        };
        let verified = with_relying_party(&[], |it| verify_assertion(&response, &expected, it, record, OWNER));
        assert_eq!(verified, Err(CeremonyError::CredentialId), "{name}");
        let damaged = CredentialRecord { public_key: vec![0xa0], ..record.clone() };
        refuses(&vector.authentication, &damaged, KeyError::Algorithm.into(), name);
    }
}

#[test]
fn sec_mf_17_what_never_verified_its_user_never_signs_in_alone() {
    for (name, vector, record) in usable_vectors() {
        let asserted = &vector.authentication;
        let is_verified = asserted.authenticator_data.0[FLAGS] & 0x04 != 0;
        let alone = |record: &CredentialRecord| {
            let handle = user_handle(OWNER);
            let required = UserVerification::Required;
            verify_as(asserted, record, Some(&handle), required, Identified::ByHandle, &top_origins()).map(|_| ())
        };
        let with = |uv_initialized| CredentialRecord { uv_initialized, ..record.clone() };
        let (known, unknown) = (alone(&with(true)), alone(&with(false)));
        if is_verified {
            assert_eq!((known, unknown), (Ok(()), Err(CeremonyError::NeverVerified)), "{name}");
        } else {
            let refused = Err(CeremonyError::UserVerification);
            assert_eq!((known, unknown), (refused, refused), "{name}");
        }
        // Beside another factor it does, and says what it has seen.
        assert_eq!(verify(asserted, &with(false)).unwrap().user_verified, is_verified, "{name}");
    }
}

#[test]
fn sec_mf_18_the_handle_is_the_users_id_and_agrees_with_the_owner() {
    let (preferred, none) = (UserVerification::Preferred, None::<&[u8]>);
    for (name, vector, record) in usable_vectors() {
        let verify = |handle: Option<&[u8]>, identified| {
            verify_as(&vector.authentication, &record, handle, preferred, identified, &top_origins()).map(|_| ())
        };
        let own = user_handle(OWNER);
        for identified in [Identified::Before, Identified::ByHandle] {
            assert_eq!(verify(Some(&own), identified), Ok(()), "{name}");
            for other in [&user_handle(UserId::from_bytes([8; 16]))[..], &own[1..], &[], &[own, own].concat()] {
                assert_eq!(verify(Some(other), identified), Err(CeremonyError::UserHandle), "{name}");
            }
        }
        assert_eq!(verify(none, Identified::Before), Ok(()), "{name}");
        assert_eq!(verify(none, Identified::ByHandle), Err(CeremonyError::NoUserHandle), "{name}");
    }
    assert_eq!(claimed_user(&user_handle(OWNER)), Some(OWNER));
    assert_eq!(claimed_user(b"ada@example.com"), None);
}

#[test]
fn sec_mf_19_a_passkey_of_another_relying_party_counts_for_nothing() {
    for (name, vector, record) in usable_vectors() {
        for other in ["example.com", "app.example.org", "org", ""] {
            let other = CredentialRecord { rp_id: other.to_owned(), ..record.clone() };
            assert!(!other.is_usable_at("example.org"));
            refuses(&vector.authentication, &other, CeremonyError::RpId, &name);
        }
        assert!(record.is_usable_at("example.org"));
    }
}

#[test]
fn sec_mf_16_a_counter_that_went_back_signs_in_and_is_told_of() {
    for (name, vector, record) in usable_vectors() {
        let counted = CredentialRecord { sign_count: 9, ..record.clone() };
        let expected = if record.backup_eligible { Counter::Plausible } else { Counter::Regressed };
        assert_eq!(verify(&vector.authentication, &counted).unwrap().counter, expected, "{name}");
    }
}
