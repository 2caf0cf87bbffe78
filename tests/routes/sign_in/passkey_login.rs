//! `POST /v1/passkeys/login`.

use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate_runtime_tests::authenticator::{UP, UV};

use crate::harness::applications::claims;
use crate::harness::passkey::{Authenticator, WithPasskey};
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let mut it = observer.server.with_passkey().await;
    observer.server.clock.advance(601);
    let mut device = String::new();
    observer
        .see("passkey-login", async |server| {
            let signed_in = server.passkey_login(&mut it.authenticator).await;
            expect(signed_in.status, 200);
            device = signed_in.string("device_token");
        })
        .await;
    // The same device, one that went back, and more devices than an account may have.
    let credential = it.authenticator.get(&observer.server.login_options().await);
    let body = json!({ "credential": credential, "device_token": device });
    observer
        .see("passkey-login", async |server| expect(server.post("/v1/passkeys/login", &body).await.status, 200))
        .await;
    (it.authenticator.flags, it.authenticator.sign_count) = (it.authenticator.flags, 9);
    for round in 0..21 {
        observer.server.clock.advance(60);
        it.authenticator.sign_count = if round == 10 { 3 } else { 9 };
        observer
            .see("passkey-login", async |server| {
                expect(server.passkey_login(&mut it.authenticator).await.status, 200);
            })
            .await;
    }
    let mut other = Authenticator::device_bound(&it.authenticator.origin);
    other.flags = UP | UV;
    let access = observer.server.passkey_login(&mut it.authenticator).await.string("access_token");
    observer.server.add_passkey(&access, &mut other).await;
    for sign_count in [9, 2] {
        other.sign_count = sign_count;
        observer.see("passkey-login", async |server| expect(server.passkey_login(&mut other).await.status, 200)).await;
    }
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.string("code").as_str()), (status, code), "{}", answer.text);
}

#[tokio::test]
async fn sec_mf_14_a_passkey_alone_signs_in_with_all_that_the_account_has() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    server.clock.advance(601);
    let signed_in = server.passkey_login(&mut it.authenticator).await;
    assert_eq!((signed_in.status, signed_in.string("status").as_str()), (200, "signed_in"), "{}", signed_in.text);
    let claims = claims(&signed_in.string("access_token"));
    assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pop", "user", "mfa"]), &json!("phr")));
    let access = signed_in.string("access_token");
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 200);
    assert_eq!(server.refresh(&signed_in.string("refresh_token")).await.status, 200);
    // The owner hears of the device, as of any other.
    let mail = server.newest_mail(EMAIL).await.text;
    assert!(mail.contains("on a device that we did not know"), "{mail}");
}

#[tokio::test]
async fn sec_mf_14_nobody_is_told_who_has_an_account() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let mut stranger = server.authenticator();
    for handle in [it.authenticator.user_handle.clone(), Some(vec![7; 16])] {
        stranger.user_handle = handle;
        refused(&server.passkey_login(&mut stranger).await, 401, "unknown_passkey");
    }
    // Only a right challenge learns even that.
    let mut options = server.login_options().await;
    options["challenge"] = json!("d2NfazEuQUFBQS5BQUFB");
    refused(&server.send_login(&stranger.get(&options)).await, 400, "challenge_expired");
    // One that is gone is nobody's.
    server.remove_passkey(&it.access(), &it.id).await;
    refused(&server.passkey_login(&mut it.authenticator).await, 401, "unknown_passkey");
}

#[tokio::test]
async fn sec_mf_15_fifty_times_the_same_answer_make_one_session() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    for round in 0..4 {
        let credential = it.authenticator.get(&server.login_options().await);
        let answers = join_all((0..50).map(|_| server.send_login(&credential))).await;
        let signed_in = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(signed_in, 1, "round {round}: {:?}", answers.iter().map(|it| it.status).collect::<Vec<_>>());
        server.clock.advance(60);
        refused(&server.send_login(&credential).await, 401, "invalid_passkey");
    }
}

#[tokio::test]
async fn sec_mf_15_an_answer_is_good_for_five_minutes_and_to_this_question_alone() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let late = it.authenticator.get(&server.login_options().await);
    let token = server.first_step().await;
    let second = it.authenticator.get(&server.second_step_options(&token).await);
    refused(&server.send_login(&second).await, 400, "challenge_expired");
    let alone = it.authenticator.get(&server.login_options().await);
    refused(&server.show_passkey(&token, &alone).await, 401, "invalid_second_factor");
    server.clock.advance(300);
    refused(&server.send_login(&late).await, 400, "challenge_expired");
}

#[tokio::test]
async fn sec_mf_17_a_key_that_has_never_verified_its_user_does_not_sign_in_alone() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let key = Authenticator { flags: UP, ..server.authenticator() };
    let WithPasskey { mut authenticator, .. } = server.with_passkey_of(EMAIL, key).await;
    refused(&server.passkey_login(&mut authenticator).await, 401, "invalid_passkey");
    // Who steals it sets a PIN.
    authenticator.flags |= UV;
    refused(&server.passkey_login(&mut authenticator).await, 401, "invalid_passkey");
    // Seen beside the password, it is its owner's.
    let token = server.first_step().await;
    assert_eq!(server.passkey_step(&token, &mut authenticator).await.status, 200);
    assert_eq!(server.passkey_login(&mut authenticator).await.status, 200);
}

#[tokio::test]
async fn sec_mf_18_an_answer_that_names_nobody_signs_nobody_in() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    for handle in [None, Some(vec![1; 3])] {
        it.authenticator.user_handle = handle;
        refused(&server.passkey_login(&mut it.authenticator).await, 401, "invalid_passkey");
    }
    it.authenticator.user_handle = None;
    it.authenticator.origin = "https://evil.example".to_owned();
    refused(&server.passkey_login(&mut it.authenticator).await, 401, "invalid_passkey");
    let broken = json!({ "credential": { "rawId": "=", "response": {} } });
    assert_eq!(server.post("/v1/passkeys/login", &broken).await.status, 400);
}

/// The passkey was judged, and the session commits after it is gone.
#[tokio::test]
async fn sec_mf_02_a_sign_in_whose_passkey_is_taken_away_meanwhile_gives_no_session() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let credential = it.authenticator.get(&server.login_options().await);
    let held = server.store.hold("TransactWriteItems");
    let (late, ()) = tokio::join!(server.send_login(&credential), async {
        held.reached().await;
        server.beside_itself().await.remove_passkey(&it.access(), &it.id).await;
        held.release();
    });
    refused(&late, 401, "invalid_passkey");
}

#[tokio::test]
async fn sec_se_04_an_account_that_is_leaving_lets_no_passkey_in() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/me", &it.access()).await.status, 202);
    refused(&server.passkey_login(&mut it.authenticator).await, 401, "invalid_passkey");
}
