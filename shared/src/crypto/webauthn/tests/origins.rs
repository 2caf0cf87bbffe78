//! Where a registration comes from: no signature covers its client data without a statement, so that all of it can change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::webauthn::cose::Algorithm;
use crate::crypto::webauthn::errors::CeremonyError;
use crate::crypto::webauthn::expected::RelyingParty;
use crate::crypto::webauthn::expected::UserVerification::Preferred;
use crate::crypto::webauthn::tests::registrations::refuses;
use crate::crypto::webauthn::tests::{Hex, Registered, usable_vectors, with_relying_party};

#[test]
fn sec_mf_09_each_wrong_member_of_the_client_data_is_refused_by_its_own_error() {
    for (name, vector, _) in usable_vectors() {
        let registered = &vector.registration;
        let challenge = URL_SAFE_NO_PAD.encode(&registered.challenge.0);
        let other_challenge = URL_SAFE_NO_PAD.encode([7; 32]);
        let origin = "\"https://example.org\"";
        let changes = [
            ("webauthn.create", "webauthn.get", CeremonyError::Type),
            ("webauthn.create", "webauthn.Create", CeremonyError::Type),
            ("webauthn.create", "payment.get", CeremonyError::Type),
            (&challenge, &other_challenge, CeremonyError::Challenge),
            (&challenge, &format!("{challenge}="), CeremonyError::Challenge),
            (&challenge, "", CeremonyError::Challenge),
            (origin, "\"http://example.org\"", CeremonyError::Origin),
            (origin, "\"https://example.org:8443\"", CeremonyError::Origin),
            (origin, "\"https://example.org/\"", CeremonyError::Origin),
            (origin, "\"https://EXAMPLE.org\"", CeremonyError::Origin),
            (origin, "\"https://evil.example.org\"", CeremonyError::Origin),
            (origin, "\"https://example.org.evil.example\"", CeremonyError::Origin),
            (origin, "\"null\"", CeremonyError::Origin),
            (origin, "null", CeremonyError::ClientData),
            ("\"origin\"", "\"Origin\"", CeremonyError::ClientData),
            ("\"challenge\"", "\"other\"", CeremonyError::ClientData),
            ("\"type\"", "\"kind\"", CeremonyError::ClientData),
            ("{", "{\"type\":\"webauthn.create\",", CeremonyError::ClientData),
            ("{", "{\"origin\":\"https://example.org\",", CeremonyError::ClientData),
            ("{", "[", CeremonyError::ClientData),
            ("{", "[{", CeremonyError::ClientData),
            // No blank of JSON.
            ("{", "\u{c}{", CeremonyError::ClientData),
        ];
        for (from, to, error) in changes {
            refuses(&registered.with_client_data(from, to), error, &format!("{name}: {from} {to}"));
        }
        let members = format!("[\"webauthn.create\",\"{challenge}\",\"https://example.org\",false,null]");
        let list = Registered { client_data: Hex(members.into_bytes()), ..registered.clone() };
        refuses(&list, CeremonyError::ClientData, &name);
        let mut cut = registered.clone();
        cut.client_data.0.pop();
        refuses(&cut, CeremonyError::ClientData, &name);
        let other = Registered { challenge: Hex(vec![7; 32]), ..registered.clone() };
        refuses(&other, CeremonyError::Challenge, &name);
    }
}

#[test]
fn sec_mf_10_a_frame_is_refused_unless_the_site_around_it_is_listed() {
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let is_framed = name.ends_with("Origin");
        let alone = registered.verify_within(Preferred, &[]);
        assert_eq!(alone, if is_framed { Err(CeremonyError::CrossOrigin) } else { Ok(record) }, "{name}");
        if is_framed {
            continue;
        }
        let framed = registered.with_client_data("\"crossOrigin\":false", "\"crossOrigin\":true");
        assert_eq!(framed.verify_within(Preferred, &[]), Err(CeremonyError::CrossOrigin), "{name}");
        for is_cross in ["true", "false"] {
            let within = |top: &str| {
                let members = format!("\"crossOrigin\":{is_cross},\"topOrigin\":\"{top}\"");
                registered.with_client_data("\"crossOrigin\":false", &members)
            };
            assert_eq!(within("https://example.com").verify_within(Preferred, &[]), Err(CeremonyError::CrossOrigin));
            assert!(within("https://example.com").verify(Preferred).is_ok(), "{name}");
            refuses(&within("https://example.net"), CeremonyError::TopOrigin, &name);
            // Our own pages are no site to be framed in, unless they are listed as one.
            refuses(&within("https://example.org"), CeremonyError::TopOrigin, &name);
        }
    }
}

#[test]
fn sec_mf_10_members_that_nobody_knows_are_ignored_and_the_text_is_never_compared() {
    let other_keys = "{\"other_keys_can_be_added_here\":\"do not compare clientDataJSON against a template\",";
    for (name, vector, record) in usable_vectors() {
        let registered = &vector.registration;
        let spellings = [
            ("{", other_keys),
            ("{", "{\"tokenBinding\":{\"status\":\"supported\"},"),
            ("{", " {\n\t"),
            ("{", "\u{feff}{"),
            ("webauthn.create", "webauthn\\u002ecreate"),
            ("https://example.org", "https:\\/\\/example.org"),
            ("\"crossOrigin\":", "\"crossOrigin\" : "),
        ];
        for (from, to) in spellings {
            assert_eq!(registered.with_client_data(from, to).verify(Preferred).as_ref(), Ok(&record), "{name}: {to}");
        }
    }
}

#[test]
fn an_apps_origin_is_listed_like_a_pages() {
    let (_, vector, record) = usable_vectors().remove(0);
    let app = "android:apk-key-hash:7d1043473d55bfa90e8530d35801d4e381bc69f0fb2a6c24e15ffdad8c0c9a34";
    let registered = vector.registration.with_client_data("https://example.org", app);
    refuses(&registered, CeremonyError::Origin, "not listed");
    let verified = with_relying_party(&[], |relying_party| {
        let listed = RelyingParty { origins: &[app.to_owned()], ..*relying_party };
        registered.verify_at(&listed, Preferred, &Algorithm::OFFERED)
    });
    assert_eq!(verified, Ok(record));
}
