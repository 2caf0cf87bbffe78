//! Passkeys of a software authenticator against the checks of WebAuthn: options go out, and what a browser answers comes
//! back.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wardgate::crypto::webauthn::assertion::{
    Assertion, AssertionResponse, Counter, ExpectedAssertion, Identified, verify_assertion,
};
use wardgate::crypto::webauthn::cose::Algorithm;
use wardgate::crypto::webauthn::errors::CeremonyError;
use wardgate::crypto::webauthn::expected::{RelyingParty, UserVerification, claimed_user};
use wardgate::crypto::webauthn::options::{PasskeyUser, creation_options, request_options};
use wardgate::crypto::webauthn::registration::{ExpectedRegistration, RegistrationResponse, verify_registration};
use wardgate::domain::id::UserId;
use wardgate::domain::passkey::CredentialRecord;

use wardgate_runtime_tests::authenticator::{Authenticator, BE, BS, UP, UV};

const ORIGIN: &str = "https://example.com";
const RP_ID: &str = "example.com";
const OWNER: UserId = UserId::from_bytes([1; 16]);
const OTHER: UserId = UserId::from_bytes([2; 16]);
const CHALLENGE: &[u8] = b"wc_k1.challenge";
const TIMEOUT: Duration = Duration::from_mins(5);

fn ask<T>(ask: impl FnOnce(&RelyingParty<'_>) -> T) -> T {
    ask(&RelyingParty { id: RP_ID, origins: &[ORIGIN.to_owned()], related_origins: &[], top_origins: &[] })
}

fn bytes(credential: &Value, member: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(credential["response"][member].as_str().unwrap()).unwrap()
}

fn registered_for(authenticator: &mut Authenticator, user: UserId) -> Result<CredentialRecord, CeremonyError> {
    let user = PasskeyUser { id: user, name: "ada@example.com", display_name: "Ada" };
    let credential = authenticator.create(&creation_options(RP_ID, "Wardgate", &user, CHALLENGE, [], TIMEOUT));
    let transports: Vec<String> = serde_json::from_value(credential["response"]["transports"].clone()).unwrap();
    let response = RegistrationResponse {
        credential_id: &authenticator.credential_id,
        client_data_json: &bytes(&credential, "clientDataJSON"),
        attestation_object: &bytes(&credential, "attestationObject"),
        transports: &transports,
    };
    let expected = ExpectedRegistration {
        challenge: CHALLENGE,
        user_verification: UserVerification::Preferred,
        algorithms: &Algorithm::OFFERED,
    };
    ask(|relying_party| verify_registration(&response, &expected, relying_party))
}

fn registered(authenticator: &mut Authenticator) -> CredentialRecord {
    registered_for(authenticator, OWNER).unwrap()
}

/// What the passkey answers to a sign-in without anything else.
fn answer(authenticator: &mut Authenticator, challenge: &[u8]) -> Value {
    authenticator.get(&request_options(RP_ID, challenge, [], UserVerification::Required, TIMEOUT))
}

fn judge(
    credential: &Value,
    challenge: &[u8],
    user_verification: UserVerification,
    record: &CredentialRecord,
) -> Result<Assertion, CeremonyError> {
    let handle = credential["response"]["userHandle"].as_str().map(|handle| URL_SAFE_NO_PAD.decode(handle).unwrap());
    let response = AssertionResponse {
        credential_id: &URL_SAFE_NO_PAD.decode(credential["rawId"].as_str().unwrap()).unwrap(),
        client_data_json: &bytes(credential, "clientDataJSON"),
        authenticator_data: &bytes(credential, "authenticatorData"),
        signature: &bytes(credential, "signature"),
        user_handle: handle.as_deref(),
    };
    let identified = match user_verification {
        UserVerification::Required => Identified::ByHandle,
        UserVerification::Preferred => Identified::Before,
    };
    let expected = ExpectedAssertion { challenge, user_verification, identified };
    ask(|relying_party| verify_assertion(&response, &expected, relying_party, record, OWNER))
}

/// Signs in by the passkey alone.
fn signs_in(authenticator: &mut Authenticator, record: &CredentialRecord) -> Result<Assertion, CeremonyError> {
    judge(&answer(authenticator, CHALLENGE), CHALLENGE, UserVerification::Required, record)
}

#[test]
fn sec_mf_12_a_passkey_of_each_algorithm_registers_and_signs_in() {
    for algorithm in Algorithm::OFFERED {
        let mut synced = Authenticator::synced(ORIGIN).with_key(algorithm.identifier());
        let record = registered(&mut synced);
        assert_eq!((record.id.as_slice(), record.rp_id.as_str()), (synced.credential_id.as_slice(), RP_ID));
        assert_eq!(record.transports, ["hybrid", "internal"]);
        assert!(record.backup_eligible && record.backup_state && record.uv_initialized);
        let expected =
            Assertion { sign_count: 0, counter: Counter::Plausible, backup_state: true, user_verified: true };
        assert_eq!(signs_in(&mut synced, &record), Ok(expected));
        synced.flags &= !BS;
        assert!(!signs_in(&mut synced, &record).unwrap().backup_state);
    }
}

#[test]
fn sec_mf_16_a_device_that_counts_back_signs_in_and_is_told_of() {
    let mut device = Authenticator::device_bound(ORIGIN);
    let mut record = registered(&mut device);
    assert_eq!(record.sign_count, 1);
    let counted = signs_in(&mut device, &record).unwrap();
    assert_eq!((counted.sign_count, counted.counter), (2, Counter::Plausible));
    record.sign_count = counted.sign_count;
    for (sign_count, counts_by) in [(2, 0), (0, 1), (0, 0)] {
        (device.sign_count, device.counts_by) = (sign_count, counts_by);
        let regressed = signs_in(&mut device, &record).unwrap();
        assert_eq!((regressed.sign_count, regressed.counter), (sign_count + counts_by, Counter::Regressed));
    }
    // Managers that keep passkeys in step may send anything.
    let mut synced = Authenticator { counts_by: 1, sign_count: 8, ..Authenticator::synced(ORIGIN) };
    let record = registered(&mut synced);
    (synced.sign_count, synced.counts_by) = (0, 0);
    assert_eq!(signs_in(&mut synced, &record).unwrap().counter, Counter::Plausible);
}

#[test]
fn sec_mf_17_a_key_without_a_pin_is_a_second_factor_and_nothing_alone() {
    let mut key = Authenticator::without_verification(ORIGIN);
    let record = registered(&mut key);
    assert!(!record.uv_initialized);
    assert_eq!(signs_in(&mut key, &record), Err(CeremonyError::UserVerification));
    // Who steals it sets a PIN.
    key.flags |= UV;
    assert_eq!(signs_in(&mut key, &record), Err(CeremonyError::NeverVerified));
    let beside = |key: &mut Authenticator| {
        judge(&answer(key, CHALLENGE), CHALLENGE, UserVerification::Preferred, &record).unwrap().user_verified
    };
    assert!(beside(&mut key));
    key.flags &= !UV;
    assert!(!beside(&mut key));
}

#[test]
fn sec_mf_09_another_site_another_page_and_nobody_there_are_refused() {
    let refuses = |change: &dyn Fn(&mut Authenticator), error: CeremonyError| {
        let mut authenticator = Authenticator::synced(ORIGIN);
        let record = registered(&mut authenticator);
        change(&mut authenticator);
        assert_eq!(signs_in(&mut authenticator, &record), Err(error));
        let mut other = Authenticator::synced(ORIGIN);
        change(&mut other);
        let at_registration = registered_for(&mut other, OWNER).err();
        // What only a signature in shows.
        let is_later = matches!(error, CeremonyError::BackupEligibility | CeremonyError::UserVerification);
        assert_eq!(at_registration, Some(error).filter(|_| !is_later));
    };
    refuses(&|it| it.rp_id = Some("evil.example".to_owned()), CeremonyError::RpIdHash);
    refuses(&|it| it.origin = "https://evil.example".to_owned(), CeremonyError::Origin);
    refuses(&|it| it.top_origin = Some("https://evil.example".to_owned()), CeremonyError::CrossOrigin);
    refuses(&|it| it.flags &= !UP, CeremonyError::UserPresence);
    refuses(&|it| it.flags &= !UV, CeremonyError::UserVerification);
    refuses(&|it| it.flags &= !BE, CeremonyError::BackupState);
    refuses(&|it| it.flags &= !(BE | BS), CeremonyError::BackupEligibility);
}

#[test]
fn sec_mf_09_an_answer_is_to_its_own_challenge_alone_and_is_no_other_ceremonys() {
    let mut authenticator = Authenticator::synced(ORIGIN);
    let record = registered(&mut authenticator);
    let answered = answer(&mut authenticator, CHALLENGE);
    let judge =
        |credential: &Value, challenge: &[u8]| judge(credential, challenge, UserVerification::Required, &record);
    assert!(judge(&answered, CHALLENGE).is_ok());
    assert_eq!(judge(&answered, b"wc_k1.another").err(), Some(CeremonyError::Challenge));
    let user = PasskeyUser { id: OWNER, name: "ada@example.com", display_name: "Ada" };
    let created = authenticator.create(&creation_options(RP_ID, "Wardgate", &user, CHALLENGE, [], TIMEOUT));
    let mut mixed = answered.clone();
    mixed["response"]["clientDataJSON"] = created["response"]["clientDataJSON"].clone();
    assert_eq!(judge(&mixed, CHALLENGE).err(), Some(CeremonyError::Type));
    // A signature belongs to its own data: that of a later answer is another.
    authenticator.flags &= !UV;
    let mut mixed = answered;
    mixed["response"]["signature"] = answer(&mut authenticator, CHALLENGE)["response"]["signature"].clone();
    assert_eq!(judge(&mixed, CHALLENGE).err(), Some(CeremonyError::Signature));
}

#[test]
fn sec_mf_18_a_passkey_of_another_user_signs_in_nobody_else() {
    let mut authenticator = Authenticator::synced(ORIGIN);
    let record = registered_for(&mut authenticator, OTHER).unwrap();
    let handle = authenticator.user_handle.clone().unwrap();
    assert_eq!(claimed_user(&handle), Some(OTHER));
    assert!(!String::from_utf8_lossy(&handle).contains("ada"));
    // The record lies with OWNER, as a changed row would have it.
    assert_eq!(signs_in(&mut authenticator, &record), Err(CeremonyError::UserHandle));
    authenticator.user_handle = None;
    assert_eq!(signs_in(&mut authenticator, &record), Err(CeremonyError::NoUserHandle));
}

#[test]
fn the_options_are_the_json_that_browsers_take() {
    let mut authenticator = Authenticator::device_bound(ORIGIN);
    let record = registered(&mut authenticator);
    let request = request_options(RP_ID, CHALLENGE, [&record], UserVerification::Preferred, TIMEOUT);
    let allowed = json!([{
        "type": "public-key",
        "id": URL_SAFE_NO_PAD.encode(&authenticator.credential_id),
        "transports": ["usb", "nfc"],
    }]);
    assert_eq!(request["allowCredentials"], allowed);
    let answered = authenticator.get(&request);
    assert!(judge(&answered, CHALLENGE, UserVerification::Preferred, &record).is_ok());
}
