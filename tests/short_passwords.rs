//! Passwords of fewer than 15 characters, which stand only beside a second factor (PW-03, MF-22).

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::pages::Browser;
use crate::harness::second_factor::SecondFactor;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, link_token};

/// Eight characters, which nobody has on a list.
const SHORT: &str = "kqzmwrtx";

async fn change(server: &TestServer, access: &str, current: &str, next: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": next });
    server.send(server.request(Method::POST, "/v1/password/change").bearer_auth(access).json(&body)).await
}

async fn set(server: &TestServer, access: &str, second_factor: bool) -> Answer {
    server.mfa(access, Method::PATCH, "", &json!({ "second_factor": second_factor })).await
}

async fn reset(server: &TestServer, password: &str) -> Answer {
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    server.post("/v1/password/reset", &json!({ "token": token, "new_password": password })).await
}

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.string("code"))
}

async fn first_step(server: &TestServer, password: &str) -> String {
    let answer = server.login(EMAIL, password).await;
    assert_eq!(answer.string("status"), "mfa_required", "{}", answer.text);
    answer.string("mfa_token")
}

/// An account with an app, and a password of eight characters.
async fn with_short_password(server: &TestServer) -> SecondFactor {
    let factor = server.with_second_factor().await;
    let changed = change(server, &factor.access(), PASSWORD, SHORT).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    server.clock.advance(1);
    factor
}

#[tokio::test]
async fn sec_pw_03_sec_mf_22_a_password_is_short_only_beside_a_second_factor_that_is_asked_for() {
    let server = TestServer::start().await;
    let refused = server.register("short@example.com", SHORT).await;
    assert_eq!(refused.fault(), ("password".to_owned(), "too_short".to_owned()));
    let alone = server.signed_in().await.string("access_token");
    let too_short = ("new_password".to_owned(), "too_short".to_owned());
    assert_eq!(change(&server, &alone, PASSWORD, SHORT).await.fault(), too_short);
    assert_eq!(reset(&server, SHORT).await.fault(), too_short);

    let factor = server.with_second_factor_of(EMAIL).await;
    let access = factor.access();
    assert_eq!(set(&server, &access, false).await.status, 200);
    assert_eq!(change(&server, &access, PASSWORD, SHORT).await.fault(), too_short, "nothing else is asked for");
    assert_eq!(set(&server, &access, true).await.status, 200);
    let seven = change(&server, &access, PASSWORD, &SHORT[1..]).await;
    assert_eq!(seven.fault(), too_short);
    assert!(seven.text.contains('8'), "{}", seven.text);
    assert_eq!(change(&server, &access, PASSWORD, SHORT).await.status, 200);
    first_step(&server, SHORT).await;
}

#[tokio::test]
async fn sec_mf_22_nothing_leaves_a_short_password_alone() {
    let server = TestServer::start().await;
    let factor = with_short_password(&server).await;
    let access = factor.access();
    let too_short = (409, "password_too_short".to_owned());
    assert_eq!(outcome(&set(&server, &access, false).await), too_short);
    assert_eq!(outcome(&server.mfa(&access, Method::DELETE, "/totp", &Value::Null).await), too_short);
    let (passkey, _) = server.add_passkey(&access, &mut server.authenticator()).await;
    assert_eq!(server.mfa(&access, Method::DELETE, "/totp", &Value::Null).await.status, 204, "there is another");
    let path = format!("/v1/passkeys/{passkey}");
    assert_eq!(outcome(&server.as_bearer(Method::DELETE, &path, &access).await), too_short);
    // A longer one sets its owner free.
    assert_eq!(change(&server, &access, SHORT, OTHER_PASSWORD).await.status, 200);
    assert_eq!(server.as_bearer(Method::DELETE, &path, &access).await.status, 204);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.string("status"), "signed_in");
}

#[tokio::test]
async fn sec_mf_22_factors_that_are_taken_away_by_mail_take_a_short_password_along() {
    let server = TestServer::start().await;
    with_short_password(&server).await;
    let token = first_step(&server, SHORT).await;
    let lost = async |token: &str| server.post("/v1/login/mfa/lost", &json!({ "mfa_token": token })).await;
    assert_eq!(lost(&token).await.status, 202);
    server.clock.advance(3 * 24 * 3600);
    let token = first_step(&server, SHORT).await;
    assert_eq!(lost(&token).await.string("status"), "mail_sent");
    let link = link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "remove-factors", &link).await;
    assert_eq!(browser.press(&server, &shown, &[]).await.status, 200);
    assert!(!server.items(TABLE, "EMAIL#").await.remove(0).contains_key("password"), "its hash is gone");
    assert_eq!(server.login(EMAIL, SHORT).await.status, 401);
    assert_eq!(reset(&server, SHORT).await.status, 400, "and none so short comes after it");
    assert_eq!(reset(&server, OTHER_PASSWORD).await.status, 200);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.string("status"), "signed_in");
}

#[tokio::test]
async fn sec_mf_22_asking_that_ends_meanwhile_keeps_a_short_password_out() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    let access = factor.access();
    let held = server.store.hold("TransactWriteItems");
    let (late, ()) = tokio::join!(change(&server, &access, PASSWORD, SHORT), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        assert_eq!(set(&elsewhere, &access, false).await.status, 200);
        held.release();
    });
    assert_eq!(late.status, 503, "{}", late.text);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, SHORT).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
    let again = change(&server, &access, PASSWORD, SHORT).await;
    assert_eq!(again.fault().1, "too_short");
}

#[tokio::test]
async fn sec_mf_22_a_reset_that_meets_a_change_of_factors_can_be_pressed_again() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    let press = async |password: &str| {
        server.post("/v1/password/reset", &json!({ "token": token, "new_password": password })).await
    };
    let held = server.store.hold("TransactWriteItems");
    let (late, ()) = tokio::join!(press(SHORT), async {
        held.reached().await;
        let elsewhere = server.beside_itself().await;
        assert_eq!(set(&elsewhere, &factor.access(), false).await.status, 200);
        held.release();
    });
    assert_eq!(late.status, 503, "{}", late.text);
    assert_eq!(press(SHORT).await.fault().1, "too_short");
    assert_eq!(press(OTHER_PASSWORD).await.status, 200, "the link has not been used up");
}
