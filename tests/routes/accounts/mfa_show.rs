//! `GET /v1/mfa`.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use wardgate::domain::factors::PasswordKind;
use wardgate::use_cases::accounts::mfa_show::mfa_show;

use crate::harness::{EMAIL, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer.see("mfa-show", async |it| expect(it.as_bearer(Method::GET, "/v1/mfa", &access).await.status, 200)).await;
    let access = observer.server.with_second_factor().await.access();
    observer.server.add_passkey(&access, &mut observer.server.authenticator()).await;
    observer.see("mfa-show", async |it| expect(it.as_bearer(Method::GET, "/v1/mfa", &access).await.status, 200)).await;
}

#[tokio::test]
async fn sec_mf_06_a_person_reads_what_there_is_and_nothing_that_opens_anything() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let none = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    // What an authenticator is told, too, when one registers.
    server.verify_directly(EMAIL).await;
    let options = server.passkeys(&access, Method::POST, "registration/options", &Value::Null).await.json();
    let webauthn = json!({ "rp_id": "localhost", "user_id": options["publicKey"]["user"]["id"] });
    let expected = json!({
        "second_factor": false, "passwordless": false, "level": 1, "totp": null, "passkeys": [], "webauthn": webauthn, "recovery_codes": null,
        "factor_loss": null,
    });
    assert_eq!(none, expected);
    let factor = server.with_second_factor().await;
    let shown = server.as_bearer(Method::GET, "/v1/mfa", &factor.access()).await;
    let at = "2026-03-01T12:30:00Z";
    let expected = json!({
        "second_factor": true, "passwordless": false, "level": 2,
        "totp": { "created_at": at }, "passkeys": [], "webauthn": webauthn, "recovery_codes": { "left": 10, "created_at": at }, "factor_loss": null,
    });
    assert_eq!(shown.json(), expected, "{}", shown.text);
    let token = server.first_step().await;
    server.second_step(&token, "recovery_code", &factor.recovery_codes[0]).await;
    let left = server.as_bearer(Method::GET, "/v1/mfa", &factor.access()).await.json();
    assert_eq!(left["recovery_codes"]["left"], 9);
    assert_eq!(server.mfa("", Method::GET, "", &Value::Null).await.status, 401);
}

/// As after a change of the RP ID, which nobody should make.
#[tokio::test]
async fn sec_mf_19_passkeys_of_another_relying_party_are_shown_and_count_for_nothing() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    let elsewhere = server.elsewhere_with(|config| config.passkeys.rp_id = Some("elsewhere.example".to_owned()));
    let access = it.access();
    let mfa = mfa_show(&elsewhere, &server.context(), Some(access.as_str())).await.unwrap();
    let shown: Vec<bool> = mfa.passkeys.iter().map(|passkey| passkey.usable).collect();
    assert_eq!((mfa.level.number(), shown), (1, vec![false]));
    assert_eq!(mfa.factors.methods("elsewhere.example"), []);
    let mfa = mfa_show(&server.app, &server.context(), Some(access.as_str())).await.unwrap();
    assert_eq!((mfa.level.number(), mfa.passkeys[0].usable), (2, true));
}

#[tokio::test]
async fn sec_mf_21_sec_mf_19_the_last_passkey_that_opens_an_account_stays_however_many_others_there_are() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    server.add_passkey(&it.access(), &mut server.authenticator()).await;
    let access = it.access();
    let mut mfa = mfa_show(&server.app, &server.context(), Some(access.as_str())).await.unwrap();
    assert!(mfa.can_do_without_password());
    mfa.factors = mfa.factors.with_password(PasswordKind::None).unwrap();
    assert!(mfa.passkeys.iter().all(|it| mfa.can_do_without(&it.passkey)) && !mfa.can_do_without_password());
    // The second one was made for another host.
    "elsewhere.example".clone_into(&mut mfa.passkeys[1].passkey.record.rp_id);
    mfa.factors.passkeys = BTreeMap::from([(mfa.rp_id.clone(), 1), ("elsewhere.example".to_owned(), 1)]);
    let removable: Vec<bool> = mfa.passkeys.iter().map(|it| mfa.can_do_without(&it.passkey)).collect();
    assert_eq!(removable, [false, true]);
}
