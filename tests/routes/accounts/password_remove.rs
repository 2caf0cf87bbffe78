//! `DELETE /v1/password`.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::applications::claims;
use crate::harness::passkey::{Authenticator, WithPasskey};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let it = observer.server.with_passkey().await;
    for status in [204, 404] {
        observer.see("password-remove", async |server| expect(remove(server, &it.access()).await.status, status)).await;
    }
    // What an account without a password does elsewhere.
    observer.server.clock.advance(301);
    let mut authenticator = it.authenticator;
    let access = observer.server.passkey_login(&mut authenticator).await.string("access_token");
    observer
        .see("step-up", async |server| {
            expect(step_up(server, &access, &mut authenticator).await.status, 200);
        })
        .await;
    let change = json!({ "new_email": "elsewhere@example.com" });
    observer
        .see("email-change", async |server| {
            expect(send(server, &access, "/v1/email/change", &change).await.status, 202);
        })
        .await;
    let change = json!({ "new_password": "kqzmwrtx" });
    observer
        .see("password-change", async |server| {
            expect(send(server, &access, "/v1/password/change", &change).await.status, 200);
        })
        .await;
}

async fn remove(server: &TestServer, access: &str) -> Answer {
    server.as_bearer(Method::DELETE, "/v1/password", access).await
}

async fn send(server: &TestServer, access: &str, path: &str, body: &Value) -> Answer {
    server.send(server.request(Method::POST, path).bearer_auth(access).json(body)).await
}

/// With a passkey alone.
async fn step_up(server: &TestServer, access: &str, authenticator: &mut Authenticator) -> Answer {
    let options = server.as_bearer(Method::POST, "/v1/step-up/options", access).await.json();
    let credential = authenticator.get(&options["passkey"]["publicKey"]);
    server.step_up_with(access, &json!({ "method": "passkey", "credential": credential })).await
}

/// An account that has done without since just now.
async fn passwordless(server: &TestServer) -> WithPasskey {
    let it = server.with_passkey().await;
    let removed = remove(server, &it.access()).await;
    assert_eq!(removed.status, 204, "{}", removed.text);
    it
}

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.string("code"))
}

#[tokio::test]
async fn sec_mf_21_without_a_password_a_passkey_opens_the_account_and_no_password_does() {
    let server = TestServer::start().await;
    let elsewhere = server.signed_in().await.string("access_token");
    let mut it = server.with_passkey_of(EMAIL, server.authenticator()).await;
    server.clock.advance(1);
    let access = server.passkey_login(&mut it.authenticator).await.string("access_token");
    assert_eq!(remove(&server, &access).await.status, 204);
    assert!(server.newest_mail(EMAIL).await.text.contains("The password was removed"));
    let credential = server.items(TABLE, "EMAIL#").await.remove(0);
    assert!(!credential.contains_key("password"), "the hash is gone");
    for gone in [&elsewhere, &it.access()] {
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", gone).await.status, 401, "every other session has ended");
    }
    assert_eq!(outcome(&server.login(EMAIL, PASSWORD).await), (401, "invalid_credentials".to_owned()));
    server.clock.advance(1);
    assert_eq!(server.passkey_login(&mut it.authenticator).await.status, 200);
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &access).await.json();
    assert_eq!((&mfa["passwordless"], &mfa["second_factor"]), (&json!(true), &json!(true)));
    assert_eq!(outcome(&remove(&server, &access).await), (404, "not_found".to_owned()));
}

#[tokio::test]
async fn sec_mf_21_one_lost_device_locks_nobody_out() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let access = factor.access();
    let too_few = (409, "too_few_passkeys".to_owned());
    assert_eq!(outcome(&remove(&server, &access).await), too_few, "an app alone opens nothing");
    let origin = server.authenticator().origin;
    let mut without = Authenticator::without_verification(&origin);
    for _ in 0..2 {
        server.add_passkey(&access, &mut without).await;
        without = Authenticator::without_verification(&origin);
    }
    assert_eq!(outcome(&remove(&server, &access).await), too_few, "MF-17: they open nothing alone");
    server.add_passkey(&access, &mut Authenticator::device_bound(&origin)).await;
    assert_eq!(outcome(&remove(&server, &access).await), too_few, "one device");
    server.add_passkey(&access, &mut Authenticator::device_bound(&origin)).await;
    assert_eq!(remove(&server, &access).await.status, 204);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
}

#[tokio::test]
async fn sec_mf_21_nothing_takes_the_last_way_in_away() {
    let server = TestServer::start().await;
    let it = passwordless(&server).await;
    server.clock.advance(1);
    let access = it.access();
    let last = (409, "last_sign_in_method".to_owned());
    let path = format!("/v1/passkeys/{}", it.id);
    assert_eq!(outcome(&server.as_bearer(Method::DELETE, &path, &access).await), last);
    let off = json!({ "second_factor": false });
    assert_eq!(outcome(&server.mfa(&access, Method::PATCH, "", &off).await), last);
    let mut second = server.authenticator();
    server.add_passkey(&access, &mut second).await;
    assert_eq!(server.as_bearer(Method::DELETE, &path, &access).await.status, 204, "the other one is there");
    assert_eq!(server.passkey_login(&mut second).await.status, 200);
}

#[tokio::test]
async fn sec_mf_21_of_a_removal_of_either_and_of_the_other_one_is_too_late() {
    let server = TestServer::start().await;
    let it = server.with_passkey().await;
    let held = server.store.hold("TransactWriteItems");
    let access = it.access();
    let (late, ()) = tokio::join!(remove(&server, &access), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        elsewhere.remove_passkey(&access, &it.id).await;
        held.release();
    });
    assert_eq!(outcome(&late), (409, "changed_meanwhile".to_owned()));
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
}

#[tokio::test]
async fn sec_se_10_without_a_password_a_passkey_shows_again_who_one_is() {
    let server = TestServer::start().await;
    let mut it = passwordless(&server).await;
    server.clock.advance(301);
    let access = server.refresh(&it.session.string("refresh_token")).await.string("access_token");
    let export = async |access: &str| server.as_bearer(Method::GET, "/v1/me/export", access).await.status;
    assert_eq!(export(&access).await, 401);
    let options = server.as_bearer(Method::POST, "/v1/step-up/options", &access).await.json();
    assert_eq!((&options["has_password"], &options["methods"]), (&json!(false), &json!(["passkey"])));
    assert_eq!(options["passkey"]["publicKey"]["userVerification"], "required");
    let recovery = json!({ "method": "recovery_code", "code": it.recovery_codes[0] });
    let alone = server.step_up_with(&access, &recovery).await;
    assert_eq!(outcome(&alone), (400, "invalid_request".to_owned()), "MF-07: it is no first factor");
    let stepped_up = step_up(&server, &access, &mut it.authenticator).await;
    assert_eq!((stepped_up.status, stepped_up.string("acr").as_str()), (200, "phr"), "{}", stepped_up.text);
    assert_eq!(claims(&stepped_up.string("access_token"))["amr"], json!(["pop", "user", "mfa"]));
    assert_eq!(export(&stepped_up.string("access_token")).await, 200);
}

#[tokio::test]
async fn sec_mf_17_a_passkey_that_has_not_verified_its_user_does_not_stand_for_the_password() {
    let server = TestServer::start().await;
    let origin = server.authenticator().origin;
    server.register(EMAIL, PASSWORD).await;
    let mut it = server.with_passkey_of(EMAIL, Authenticator::without_verification(&origin)).await;
    let alone = step_up(&server, &it.access(), &mut it.authenticator).await;
    assert_eq!(outcome(&alone), (401, "invalid_second_factor".to_owned()));
    let options = server.as_bearer(Method::POST, "/v1/step-up/options", &it.access()).await.json();
    let credential = it.authenticator.get(&options["passkey"]["publicKey"]);
    let both = json!({ "password": PASSWORD, "method": "passkey", "credential": credential });
    assert_eq!(server.step_up_with(&it.access(), &both).await.status, 200);
}

#[tokio::test]
async fn sec_mf_21_without_a_password_address_and_password_are_changed_by_a_session_that_has_just_shown_a_passkey() {
    let server = TestServer::start().await;
    let mut it = passwordless(&server).await;
    let access = it.access();
    let elsewhere = json!({ "new_email": "elsewhere@example.com" });
    assert_eq!(send(&server, &access, "/v1/email/change", &elsewhere).await.status, 202);
    let wrong = json!({ "new_email": "elsewhere@example.com", "password": PASSWORD });
    assert_eq!(send(&server, &access, "/v1/email/change", &wrong).await.status, 401, "there is none");
    let next = json!({ "new_password": OTHER_PASSWORD });
    server.clock.advance(301);
    let stale = server.refresh(&it.session.string("refresh_token")).await.string("access_token");
    for (path, body) in [("/v1/email/change", &elsewhere), ("/v1/password/change", &next)] {
        let refused = send(&server, &stale, path, body).await;
        assert_eq!(outcome(&refused), (401, "insufficient_user_authentication".to_owned()), "{path}");
    }
    let fresh = step_up(&server, &stale, &mut it.authenticator).await.string("access_token");
    assert_eq!(send(&server, &fresh, "/v1/password/change", &next).await.status, 200);
    let mfa = server.as_bearer(Method::GET, "/v1/mfa", &fresh).await.json();
    assert_eq!(mfa["passwordless"], false);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.string("status"), "mfa_required", "and it is asked on");
    for (path, body) in [("/v1/email/change", &elsewhere), ("/v1/password/change", &next)] {
        let missing = send(&server, &fresh, path, body).await;
        assert_eq!(outcome(&missing), (400, "invalid_request".to_owned()), "with a password it is shown: {path}");
    }
}

#[tokio::test]
async fn sec_mf_21_a_reset_by_mail_sets_a_password_and_skips_no_second_factor() {
    let server = TestServer::start().await;
    passwordless(&server).await;
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    let answer = server.post("/v1/password/reset", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.string("status"), "mfa_required");
}
