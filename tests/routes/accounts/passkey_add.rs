//! `POST /v1/passkeys/registration`.

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::applications::claims;
use crate::harness::passkey::Authenticator;
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer.server.verify_directly(EMAIL).await;
    // The first, one more, and that once more.
    for ends_others in [false, true] {
        let options = asked(&observer.server, &access).await;
        let credential = observer.server.authenticator().create(&options);
        let body = json!({ "credential": credential, "end_other_sessions": ends_others });
        for _ in 0..2 {
            observer.see("passkey-add", async |it| expect(send(it, &access, &body).await.status, 201)).await;
        }
    }
}

/// What an authenticator is asked.
pub async fn asked(server: &TestServer, access: &str) -> Value {
    let answer = server.passkeys(access, Method::POST, "registration/options", &Value::Null).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["publicKey"].clone()
}

/// Sends what an authenticator has made.
async fn send(server: &TestServer, access: &str, body: &Value) -> Answer {
    server.passkeys(access, Method::POST, "registration", body).await
}

/// Registers what an authenticator makes.
pub async fn add(server: &TestServer, access: &str, authenticator: &mut Authenticator) -> Answer {
    let options = asked(server, access).await;
    send(server, access, &json!({ "credential": authenticator.create(&options) })).await
}

#[tokio::test]
async fn sec_mf_08_a_first_passkey_makes_the_account_strong_and_its_owner_hears_of_it() {
    let server = TestServer::start().await;
    let session = server.signed_in().await;
    server.verify_directly(EMAIL).await;
    let access = session.string("access_token");
    let options = asked(&server, &access).await;
    let mut authenticator = server.authenticator();
    let body = json!({ "credential": authenticator.create(&options), "name": " My phone " });
    let added = send(&server, &access, &body).await;
    assert_eq!((added.status, added.string("status").as_str()), (201, "passkey_added"), "{}", added.text);
    let shown = added.json()["passkey"].clone();
    assert_eq!(
        (&shown["name"], &shown["backed_up"], &shown["usable"]),
        (&json!("My phone"), &json!(true), &json!(true))
    );
    assert_eq!(added.json()["recovery_codes"].as_array().unwrap().len(), 10);
    // This session has shown both by now: what is delicate is open to it.
    assert_eq!(server.as_bearer(Method::GET, "/v1/me/export", &access).await.status, 200);
    let refreshed = server.refresh(&session.string("refresh_token")).await;
    assert_eq!(claims(&refreshed.string("access_token"))["acr"], "phr");
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    assert_eq!((&mfa["level"], &mfa["second_factor"], &mfa["passkeys"]), (&json!(2), &json!(true), &json!([shown])));
    let mail = server.newest_mail(EMAIL).await;
    assert!(
        mail.text.contains("A passkey was added") && mail.text.contains("/ui/undo-factor?token=uf_"),
        "{}",
        mail.text
    );
    // A later one was let in by the first: no mailbox takes it.
    assert_eq!(add(&server, &access, &mut server.authenticator()).await.json().get("recovery_codes"), None);
    let mail = server.newest_mail(EMAIL).await;
    assert!(mail.text.contains("A passkey was added") && !mail.text.contains("/ui/undo-factor"), "{}", mail.text);
}

#[tokio::test]
async fn sec_mf_13_the_same_registration_again_is_answered_as_the_first_time() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    let options = asked(&server, &it.access()).await;
    let body = json!({ "credential": server.authenticator().create(&options) });
    let (first, again) = (send(&server, &it.access(), &body).await, send(&server, &it.access(), &body).await);
    assert_eq!((first.status, again.status), (201, 201), "{}", again.text);
    assert_eq!(first.json()["passkey"], again.json()["passkey"]);
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &it.access()).await.json();
    assert_eq!(mfa["passkeys"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn sec_mf_13_a_credential_is_one_accounts_for_good() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    server.register("grace@example.com", PASSWORD).await;
    let other = server.login("grace@example.com", PASSWORD).await.string("access_token");
    server.verify_directly("grace@example.com").await;
    let taken = add(&server, &other, &mut it.authenticator).await;
    assert_eq!((taken.status, taken.string("code").as_str()), (409, "passkey_exists"), "{}", taken.text);
    // The same id with another key is nobody's either.
    let mut forged = server.authenticator();
    forged.credential_id = it.authenticator.credential_id.clone();
    assert_eq!(add(&server, &it.access(), &mut forged).await.status, 409);
    // When it is gone, it is free.
    let path = format!("/v1/passkeys/{}", it.id);
    assert_eq!(server.as_bearer(Method::DELETE, &path, &it.access()).await.status, 204);
    assert_eq!(add(&server, &other, &mut it.authenticator).await.status, 201);
}

#[tokio::test]
async fn sec_mf_13_one_registration_sent_thirty_times_at_once_is_one_passkey() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    let options = asked(&server, &it.access()).await;
    let body = json!({ "credential": server.authenticator().create(&options) });
    let access = it.access();
    let answers = join_all((0..30).map(|_| send(&server, &access, &body))).await;
    let added = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(added >= 1 && answers.iter().all(|it| [201, 409, 503].contains(&it.status)), "{added}");
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    assert_eq!(mfa["passkeys"].as_array().unwrap().len(), 2);
    assert_eq!(send(&server, &access, &body).await.status, 201);
}

#[tokio::test]
async fn sec_mf_08_what_comes_back_has_to_be_of_this_user_this_session_and_five_minutes() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    let second = server.login(EMAIL, PASSWORD).await.string("access_token");
    let options = asked(&server, &access).await;
    let body = |options: &Value| json!({ "credential": server.authenticator().create(options) });
    let expired = async |access: &str, options: &Value, why: &str| {
        let answer = send(&server, access, &body(options)).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (400, "challenge_expired"), "{why}");
    };
    expired(&second, &options, "another session").await;
    let mut forged = options.clone();
    forged["challenge"] = json!("d2NfazEuQUFBQS5BQUFB");
    expired(&access, &forged, "forged").await;
    server.clock.advance(299);
    let fresh = asked(&server, &access).await;
    server.clock.advance(1);
    expired(&access, &options, "too late").await;
    assert_eq!(send(&server, &access, &body(&fresh)).await.status, 201);
}

#[tokio::test]
async fn sec_mf_09_what_is_of_another_site_or_of_nobody_is_no_passkey() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.verify_directly(EMAIL).await;
    let changes: [fn(&mut Authenticator); 3] = [
        |it| it.origin = "https://evil.example".to_owned(),
        |it| it.rp_id = Some("evil.example".to_owned()),
        |it| it.flags = 0,
    ];
    for change in changes {
        let mut authenticator = server.authenticator();
        change(&mut authenticator);
        let refused = add(&server, &access, &mut authenticator).await;
        assert_eq!((refused.status, refused.string("code").as_str()), (400, "invalid_passkey"), "{}", refused.text);
    }
    let options = asked(&server, &access).await;
    let mut credential = server.authenticator().create(&options);
    credential["response"]["attestationObject"] = json!("=");
    let broken = send(&server, &access, &json!({ "credential": credential })).await;
    assert_eq!((broken.status, broken.string("code").as_str()), (400, "invalid_request"), "{}", broken.text);
    let named = json!({ "credential": server.authenticator().create(&options), "name": "\u{200b}" });
    assert_eq!(send(&server, &access, &named).await.status, 400);
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in", "nothing was done");
}
