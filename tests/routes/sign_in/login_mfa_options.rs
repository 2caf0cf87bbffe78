//! `POST /v1/login/mfa/options`, and the second step by a passkey.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate_runtime_tests::authenticator::{BE, BS, UP, UV};

use wardgate::use_cases::accounts::passkey_options::passkey_options;

use crate::harness::applications::claims;
use crate::harness::passkey::{Authenticator, WithPasskey};
use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let mut it = observer.server.with_passkey().await;
    let token = observer.server.first_step().await;
    let mut options = Value::Null;
    observer.see("login-mfa-options", async |server| options = server.second_step_options(&token).await).await;
    let credential = it.authenticator.get(&options);
    observer
        .see("login-mfa", async |server| {
            let mut wrong = credential.clone();
            wrong["response"]["signature"] = json!("AAAA");
            expect(server.show_passkey(&token, &wrong).await.status, 401);
            expect(server.show_passkey(&token, &credential).await.status, 200);
        })
        .await;
}

/// An account whose only passkey is on this authenticator.
async fn with(change: impl FnOnce(&mut Authenticator)) -> (TestServer, WithPasskey) {
    let server = TestServer::start().await;
    let mut authenticator = server.authenticator();
    change(&mut authenticator);
    server.register(EMAIL, PASSWORD).await;
    let passkey = server.with_passkey_of(EMAIL, authenticator).await;
    (server, passkey)
}

#[tokio::test]
async fn sec_mf_01_a_passkey_is_asked_for_after_the_password_and_signs_in() {
    let (server, mut it) = with(|_| {}).await;
    let first = server.login(EMAIL, PASSWORD).await.json();
    assert_eq!((&first["status"], &first["methods"]), (&json!("mfa_required"), &json!(["passkey", "recovery_code"])));
    let token = first["mfa_token"].as_str().unwrap();
    let options = server.second_step_options(token).await;
    assert_eq!((&options["rpId"], &options["userVerification"]), (&json!("localhost"), &json!("preferred")));
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1, "{options}");
    let signed_in = server.show_passkey(token, &it.authenticator.get(&options)).await;
    assert_eq!((signed_in.status, signed_in.string("status").as_str()), (200, "signed_in"), "{}", signed_in.text);
    let claims = claims(&signed_in.string("access_token"));
    assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd", "pop", "user", "mfa"]), &json!("phr")));
    // It has shown all that there is.
    let access = signed_in.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 200);
    let shown = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    assert!(shown["passkeys"][0]["last_used_at"].is_string(), "{shown}");
    // A recovery code does as well.
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &it.recovery_codes[0]).await.status, 200);
}

#[tokio::test]
async fn sec_mf_02_fifty_answers_of_a_passkey_to_one_first_step_make_one_session() {
    let (server, mut it) = with(|_| {}).await;
    for round in 0..4 {
        server.clock.advance(60);
        let token = server.first_step().await;
        let credential = it.authenticator.get(&server.second_step_options(&token).await);
        let answers = join_all((0..50).map(|_| server.show_passkey(&token, &credential))).await;
        let signed_in = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(signed_in, 1, "round {round}: {:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
        assert!(answers.iter().all(|answer| [200, 401, 429].contains(&answer.status)));
    }
}

#[tokio::test]
async fn sec_mf_15_an_answer_is_good_for_its_own_first_step_and_for_five_minutes() {
    let (server, mut it) = with(|_| {}).await;
    let (first, second) = (server.first_step().await, server.first_step().await);
    let credential = it.authenticator.get(&server.second_step_options(&first).await);
    let elsewhere = server.show_passkey(&second, &credential).await;
    assert_eq!((elsewhere.status, elsewhere.string("code").as_str()), (401, "invalid_second_factor"));
    // What a step-up or a registration asks for signs nobody in.
    let access = it.access();
    let stepping = server.as_bearer(Method::POST, "/v1/step-up/options", &access).await.json();
    let other = it.authenticator.get(&stepping["passkey"]["publicKey"]);
    assert_eq!(server.show_passkey(&first, &other).await.status, 401);
    let registering = passkey_options(&server.app, &server.context(), Some(access.as_str())).await.unwrap();
    let mut registering = registering.public_key;
    registering["rpId"] = json!("localhost");
    let other = it.authenticator.get(&registering);
    assert_eq!(server.show_passkey(&first, &other).await.status, 401);
    assert_eq!(server.show_passkey(&first, &credential).await.status, 200);
    assert_eq!(server.show_passkey(&first, &credential).await.status, 401, "once");
    server.clock.advance(300);
    let late = server.show_passkey(&second, &credential).await;
    assert_eq!((late.status, late.string("code").as_str()), (401, "invalid_token"));
}

#[tokio::test]
async fn sec_mf_09_another_origin_another_passkey_and_nobody_there_sign_nobody_in() {
    let (server, mut it) = with(|_| {}).await;
    let own = it.authenticator.origin.clone();
    let refused = |answer: crate::harness::Answer| {
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_second_factor"), "{}", answer.text);
    };
    let token = server.first_step().await;
    let options = server.second_step_options(&token).await;
    it.authenticator.origin = "https://evil.example".to_owned();
    refused(server.show_passkey(&token, &it.authenticator.get(&options)).await);
    it.authenticator.origin = own.clone();
    it.authenticator.flags = BE | BS;
    refused(server.show_passkey(&token, &it.authenticator.get(&options)).await);
    it.authenticator.flags = UP | UV | BE | BS;
    let mut stranger = Authenticator::synced(&own);
    stranger.user_handle = it.authenticator.user_handle.clone();
    refused(server.show_passkey(&token, &stranger.get(&options)).await);
    stranger.credential_id = it.authenticator.credential_id.clone();
    refused(server.show_passkey(&token, &stranger.get(&options)).await);
    for (member, value) in [("clientDataJSON", "e30"), ("authenticatorData", "AA"), ("signature", "")] {
        let mut credential = it.authenticator.get(&options);
        credential["response"][member] = json!(value);
        refused(server.show_passkey(&token, &credential).await);
    }
    let mut credential = it.authenticator.get(&options);
    credential["rawId"] = json!("not base64!");
    let broken = server.show_passkey(&token, &credential).await;
    assert_eq!((broken.status, broken.string("code").as_str()), (400, "invalid_request"), "{}", broken.text);
    assert_eq!(server.second_step(&token, "passkey", "123456").await.status, 400);
    assert_eq!(server.show_passkey(&token, &it.authenticator.get(&options)).await.status, 200);
}

#[tokio::test]
async fn sec_mf_16_a_counter_that_went_back_signs_in_and_tells_the_owner() {
    let (server, mut it) = with(|it| (it.flags, it.counts_by, it.sign_count) = (UP | UV, 1, 7)).await;
    let token = server.first_step().await;
    assert_eq!(server.passkey_step(&token, &mut it.authenticator).await.status, 200);
    it.authenticator.sign_count = 2;
    let token = server.first_step().await;
    let signed_in = server.passkey_step(&token, &mut it.authenticator).await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    let mails = server.mails(EMAIL).await;
    assert!(mails.iter().any(|mail| mail.text.contains("its counter is behind where it was before")));
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &signed_in.string("access_token")).await.text;
    assert!(activity.contains("\"passkey_counter_regressed\""), "{activity}");
    // It goes on from there.
    let told = mails.len();
    let token = server.first_step().await;
    assert_eq!(server.passkey_step(&token, &mut it.authenticator).await.status, 200);
    assert_eq!(server.mails(EMAIL).await.len(), told);
}

#[tokio::test]
async fn sec_mf_17_a_key_that_shows_its_user_beside_the_password_has_shown_it_for_good() {
    let (server, mut it) = with(|it| it.flags = UP).await;
    let is_verified = async || {
        let items = server.items(TABLE, "USER#").await;
        let passkey = items.into_iter().find(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#passkey#")).unwrap();
        *passkey["uv_initialized"].as_bool().unwrap()
    };
    let token = server.first_step().await;
    assert_eq!(
        server.passkey_step(&token, &mut it.authenticator).await.status,
        200,
        "a key without a PIN is enough here"
    );
    assert!(!is_verified().await);
    it.authenticator.flags = UP | UV;
    let token = server.first_step().await;
    assert_eq!(server.passkey_step(&token, &mut it.authenticator).await.status, 200);
    assert!(is_verified().await);
}

#[tokio::test]
async fn sec_mf_04_passkeys_that_are_wrong_are_counted_and_shut_no_other_factor_out() {
    let (server, mut it) = with(|_| {}).await;
    let token = server.first_step().await;
    let options = server.second_step_options(&token).await;
    let mut wrong = it.authenticator.get(&options);
    wrong["response"]["signature"] = json!("AAAA");
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(server.show_passkey(&token, &wrong).await.status);
    }
    assert_eq!((statuses[..10].iter().all(|it| *it == 401), statuses[10]), (true, 429), "{statuses:?}");
    let right = it.authenticator.get(&options);
    assert_eq!(server.show_passkey(&token, &right).await.status, 429, "also a right one");
    assert_eq!(server.second_step(&token, "recovery_code", &it.recovery_codes[0]).await.status, 200);
}

#[tokio::test]
async fn only_who_has_shown_the_first_factor_gets_to_know_which_passkeys_there_are() {
    let (server, it) = with(|_| {}).await;
    let ask = async |token: &str| server.post("/v1/login/mfa/options", &json!({ "mfa_token": token })).await;
    for token in ["", "mt_k1.AAAA.AAAA", &it.access()] {
        let refused = ask(token).await;
        assert_eq!((refused.status, refused.string("code").as_str()), (401, "invalid_token"), "{token}");
    }
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &it.recovery_codes[0]).await.status, 200);
    assert_eq!(ask(&token).await.status, 401, "it is used up");
    let other = TestServer::start().await;
    other.with_second_factor().await;
    let token = other.first_step().await;
    let none = other.post("/v1/login/mfa/options", &json!({ "mfa_token": token })).await;
    assert_eq!((none.status, none.string("code").as_str()), (409, "no_passkey"), "{}", none.text);
}
