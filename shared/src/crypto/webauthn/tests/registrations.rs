use crate::crypto::webauthn::cbor::Value;
use crate::crypto::webauthn::cose::{Algorithm, PublicKey};
use crate::crypto::webauthn::errors::{CborError, CeremonyError, KeyError};
use crate::crypto::webauthn::expected::UserVerification::{Preferred, Required};
use crate::crypto::webauthn::tests::{
    FLAGS, Hex, Registered, encoded, top_origins, usable_vectors, vectors, with_relying_party,
};

/// Where a credential's parts are in authenticator data.
const ID_LENGTH: usize = 53;
const ID: usize = 55;

#[track_caller]
pub(super) fn refuses(registered: &Registered, error: CeremonyError, what: &str) {
    assert_eq!(registered.verify(Preferred), Err(error), "{what}");
}

#[test]
fn sec_mf_12_the_specifications_vectors_register_but_for_algorithms_that_are_not_offered() {
    let mut refused = Vec::new();
    for (name, vector) in vectors() {
        let registered = &vector.registration;
        let record = match registered.verify(Preferred) {
            Ok(record) => record,
            Err(error) => {
                assert_eq!(error, CeremonyError::Key(KeyError::Algorithm), "{name}");
                refused.push(name);
                continue;
            }
        };
        assert_eq!((&record.id, record.rp_id.as_str()), (&registered.credential_id.0, "example.org"), "{name}");
        assert_eq!((record.sign_count, record.transports), (0, vec!["internal".to_owned()]), "{name}");
        let algorithm = PublicKey::parse(&record.public_key).unwrap().algorithm;
        let expected = match name.rsplit('-').next().unwrap() {
            "rs256" => Algorithm::Rs256,
            "eddsa" => Algorithm::EdDsa,
            _ => Algorithm::Es256,
        };
        assert_eq!(algorithm, expected, "{name}");
        assert_ne!(record.aaguid, [0; 16], "{name}");
    }
    assert_eq!(refused, ["packed-ed448", "packed-es384", "packed-es512"]);
    let record = |name: &str| usable_vectors().into_iter().find(|(other, ..)| other == name).unwrap().2;
    assert_eq!(record("none-es256-long-credential-id").id.len(), 1023);
    // Flags 59, 5d and 41.
    let flags = |name: &str| {
        let record = record(name);
        (record.uv_initialized, record.backup_eligible, record.backup_state)
    };
    assert_eq!(flags("none-es256"), (false, true, true));
    assert_eq!(flags("packed-self-es256"), (true, true, true));
    assert_eq!(flags("fido-u2f-es256"), (false, false, false));
}

#[test]
fn sec_mf_12_an_algorithm_that_was_not_offered_this_time_is_refused() {
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let algorithm = PublicKey::parse(&record.public_key).unwrap().algorithm;
        let others: Vec<_> = Algorithm::OFFERED.into_iter().filter(|other| *other != algorithm).collect();
        let verify = |algorithms: &[Algorithm]| {
            with_relying_party(&top_origins(), |it| registered.verify_at(it, Preferred, algorithms).map(|_| ()))
        };
        assert_eq!(verify(&[algorithm]), Ok(()), "{name}");
        assert_eq!(verify(&others), Err(KeyError::Algorithm.into()), "{name}");
    }
}

#[test]
fn sec_mf_12_a_statement_that_comes_anyway_is_not_judged() {
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let Value::Map(members) = Value::parse(&registered.attestation_object.0).unwrap() else { unreachable!() };
        let signed = Value::Map(vec![(Value::Text("sig"), Value::Bytes(&[1, 2, 3]))]);
        for (format, statement) in [("none", Value::Map(vec![])), ("packed", signed.clone()), ("never-seen", signed)] {
            let other = members.iter().map(|(member, value)| match member {
                Value::Text("fmt") => (member.clone(), Value::Text(format)),
                Value::Text("attStmt") => (member.clone(), statement.clone()),
                _ => (member.clone(), value.clone()),
            });
            let attestation_object = Hex(encoded(&Value::Map(other.collect())));
            let registered = Registered { attestation_object, ..registered.clone() };
            assert_eq!(registered.verify(Preferred).as_ref(), Ok(&record), "{name} {format}");
        }
    }
}

#[test]
fn sec_mf_09_each_wrong_part_of_the_authenticator_data_is_refused_by_its_own_error() {
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let key = ID + record.id.len();
        let refuses = |change: &dyn Fn(&mut Vec<u8>), error: CeremonyError, what: &str| {
            refuses(&registered.with_data(change), error, &format!("{name}: {what}"));
        };
        for at in 0..FLAGS {
            refuses(&|data| data[at] ^= 1, CeremonyError::RpIdHash, "the relying party");
        }
        refuses(&|data| data[FLAGS] &= !0x01, CeremonyError::UserPresence, "UP");
        refuses(&|data| data[FLAGS] = data[FLAGS] & !0x08 | 0x10, CeremonyError::BackupState, "BS without BE");
        refuses(&|data| data[FLAGS] &= !0x40, CeremonyError::AuthenticatorData, "AT");
        refuses(
            &|data| {
                data.truncate(37);
                data[FLAGS] &= !0x40;
            },
            CeremonyError::NoCredential,
            "no credential",
        );
        refuses(&|data| data[FLAGS] |= 0x80, CeremonyError::Extensions, "ED");
        for extensions in [&b"\x00"[..], b"\x80", b"\xbf\xff"] {
            let change = |data: &mut Vec<u8>| {
                data[FLAGS] |= 0x80;
                data.extend_from_slice(extensions);
            };
            refuses(&change, CeremonyError::Extensions, "extensions that are no map");
        }
        refuses(&|data| data.push(0), CeremonyError::AuthenticatorData, "a byte too many");
        for length in (0..ID).step_by(6) {
            refuses(&|data| data.truncate(length), CeremonyError::AuthenticatorData, "cut");
        }
        refuses(&|data| data.truncate(ID + 1), CeremonyError::AuthenticatorData, "an id cut");
        refuses(&|data| data.truncate(data.len() - 1), KeyError::Cbor(CborError::Truncated).into(), "a key cut");
        refuses(&|data| data[ID] ^= 1, CeremonyError::CredentialId, "another id");
        for length in [0_u16, 1024, u16::MAX] {
            let change = |data: &mut Vec<u8>| data[ID_LENGTH..ID].copy_from_slice(&length.to_be_bytes());
            refuses(&change, CeremonyError::CredentialIdLength, "the id's length");
        }
        let longest = |data: &mut Vec<u8>| {
            data.splice(ID_LENGTH..key, [&1024_u16.to_be_bytes()[..], &[7; 1024]].concat());
        };
        refuses(&longest, CeremonyError::CredentialIdLength, "an id of 1024 bytes");
        // A map of so many entries, `1: kty`, `3: alg`, and for an elliptic curve `-1: crv`.
        refuses(&|data| data[key + 2] ^= 7, KeyError::KeyType.into(), "kty");
        if name == "packed-rs256" {
            refuses(&|data| data[key + 6] ^= 1, KeyError::Algorithm.into(), "alg");
        } else {
            refuses(&|data| data[key + 4] = 0x25, KeyError::Algorithm.into(), "alg");
            refuses(&|data| data[key + 6] = 0x02, KeyError::Curve.into(), "crv");
        }
        let other = Registered { credential_id: Hex(vec![1; 32]), ..registered.clone() };
        assert_eq!(other.verify(Preferred), Err(CeremonyError::CredentialId), "{name}");
    }
}

#[test]
fn sec_mf_09_verification_of_the_user_is_asked_where_it_is_required() {
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let expected = if record.uv_initialized { Ok(record) } else { Err(CeremonyError::UserVerification) };
        assert_eq!(registered.verify(Required), expected, "{name}");
        let without = registered.with_data(|data| data[FLAGS] &= !0x04);
        assert_eq!(without.verify(Required), Err(CeremonyError::UserVerification), "{name}");
        assert!(!without.verify(Preferred).unwrap().uv_initialized, "{name}");
        let with = registered.with_data(|data| data[FLAGS] |= 0x04);
        assert!(with.verify(Required).unwrap().uv_initialized, "{name}");
    }
}

#[test]
fn extensions_that_nobody_asked_for_are_passed_over() {
    for (name, vector, record) in usable_vectors() {
        let extensions = Value::Map(vec![(Value::Text("credProtect"), 2.into())]);
        let with = vector.registration.with_data(|data| {
            data[FLAGS] |= 0x80;
            data.extend(encoded(&extensions));
        });
        assert_eq!(with.verify(Preferred), Ok(record), "{name}");
    }
}

#[test]
fn sec_mf_11_an_attestation_object_is_one_map_with_three_members_of_their_types() {
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut registered = registered.clone();
            change(&mut registered.attestation_object.0);
            registered
        };
        let trailing = CeremonyError::Attestation(CborError::TrailingBytes);
        refuses(&with(&|object| object.push(0)), trailing, &name);
        let cut = CeremonyError::Attestation(CborError::Truncated);
        refuses(&with(&|object| object.truncate(object.len() - 1)), cut, &name);
        refuses(&with(&|object| *object = b"\x80".to_vec()), CeremonyError::AttestationMembers, &name);

        let Value::Map(members) = Value::parse(&registered.attestation_object.0).unwrap() else { unreachable!() };
        let of = |members: Vec<(Value<'_>, Value<'_>)>| with(&|object| *object = encoded(&Value::Map(members.clone())));
        for left_out in 0..members.len() {
            let mut without = members.clone();
            without.remove(left_out);
            refuses(&of(without), CeremonyError::AttestationMembers, &name);
            let mut other = members.clone();
            other[left_out].1 = Value::Null;
            refuses(&of(other), CeremonyError::AttestationMembers, &name);
            let twice = [members.clone(), vec![members[left_out].clone()]].concat();
            refuses(&of(twice), CeremonyError::Attestation(CborError::RepeatedKey), &name);
        }
        let mut reversed = members;
        reversed.reverse();
        assert_eq!(of(reversed).verify(Preferred), Ok(record), "{name}");
    }
}
