use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::crypto::webauthn::expected::{UserVerification, user_handle};
use crate::crypto::webauthn::options::{PasskeyUser, creation_options, request_options};
use crate::crypto::webauthn::tests::usable_vectors;
use crate::domain::id::UserId;

const FIVE_MINUTES: Duration = Duration::from_mins(5);

#[test]
fn sec_mf_12_creation_asks_for_what_is_taken_in_its_order_and_for_no_statement() {
    let (_, _, record) = usable_vectors().remove(0);
    let id = UserId::from_bytes([7; 16]);
    let user = PasskeyUser { id, name: "ada@example.com", display_name: "Ada" };
    let options = creation_options("example.org", "Wardgate", &user, &[0xfb; 32], [&record], FIVE_MINUTES);
    assert_eq!(
        options,
        json!({
            "rp": { "id": "example.org", "name": "Wardgate" },
            "user": { "id": "BwcHBwcHBwcHBwcHBwcHBw", "name": "ada@example.com", "displayName": "Ada" },
            "challenge": URL_SAFE_NO_PAD.encode([0xfb; 32]),
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [{
                "type": "public-key",
                "id": URL_SAFE_NO_PAD.encode(&record.id),
                "transports": ["internal"],
            }],
            "authenticatorSelection": {
                "residentKey": "preferred",
                "requireResidentKey": false,
                "userVerification": "preferred",
            },
            "attestation": "none",
        })
    );
}

/// Authenticators show and store the handle, some to whoever holds them.
#[test]
fn sec_mf_18_what_authenticators_know_a_user_by_says_nothing_of_them() {
    let id = UserId::from_bytes([7; 16]);
    assert_eq!(user_handle(id), id.to_bytes());
}

#[test]
fn a_request_names_nobodys_credentials_unless_it_is_told_whose() {
    let (_, _, record) = usable_vectors().remove(0);
    let alone = request_options("example.org", &[1, 2, 3], [], UserVerification::Required, FIVE_MINUTES);
    let expected = json!({
        "challenge": "AQID",
        "timeout": 300_000,
        "rpId": "example.org",
        "allowCredentials": [],
        "userVerification": "required",
    });
    assert_eq!(alone, expected);
    let second = request_options("example.org", &[1, 2, 3], [&record], UserVerification::Preferred, FIVE_MINUTES);
    assert_eq!(second["userVerification"], "preferred");
    assert_eq!(second["allowCredentials"][0]["id"], URL_SAFE_NO_PAD.encode(&record.id));
}
