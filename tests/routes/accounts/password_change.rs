//! `POST /v1/password/change`

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

async fn change(server: &TestServer, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(token);
    server.send(request.json(&body)).await
}

#[tokio::test]
async fn sec_pw_06_a_change_ends_every_other_session_and_tells_the_owner() {
    let server = TestServer::start().await;
    let (other, own) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    let before = server.mails(EMAIL).await.len();
    let answer = change(&server, &own.string("access_token"), PASSWORD, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "password_changed"), "{}", answer.text);
    assert_eq!(server.refresh(&other.string("refresh_token")).await.status, 401);
    assert_eq!(server.refresh(&own.string("refresh_token")).await.status, 200);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    let mails = server.mails(EMAIL).await;
    assert_eq!(mails.len(), before + 1);
    assert!(mails[before].subject.contains("password"), "{}", mails[before].subject);
}

#[tokio::test]
async fn sec_pw_06_a_wrong_current_password_changes_nothing_and_is_counted() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..10 {
        let answer = change(&server, &access, OTHER_PASSWORD, "lanterns over the harbour").await;
        assert_eq!((answer.status, answer.fault()), (400, ("current_password".to_owned(), "wrong".to_owned())));
    }
    // EN-01: the eleventh is not evaluated, though it is right.
    let answer = change(&server, &access, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.header("retry-after").is_empty()), (429, false));
}

/// Their counters are those of the address; the owner's is that of who is signed in.
#[tokio::test]
async fn sec_en_02_strangers_who_have_used_up_the_address_do_not_keep_its_owner_from_changing_the_password() {
    let server = TestServer::start().await;
    server.signed_in().await;
    let own = server.login(EMAIL, PASSWORD).await;
    for _ in 0..100 {
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 401);
        server.clock.advance(900);
    }
    let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": own.string("device_token") });
    let access = server.post("/v1/login", &body).await.string("access_token");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429, "on a new device");
    let answer = change(&server, &access, PASSWORD, OTHER_PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn sec_en_02_a_right_current_password_gives_its_attempt_back_and_no_other() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..9 {
        change(&server, &access, "lanterns over the harbour", OTHER_PASSWORD).await;
    }
    for (from, to) in [(PASSWORD, OTHER_PASSWORD), (OTHER_PASSWORD, PASSWORD), (PASSWORD, OTHER_PASSWORD)] {
        assert_eq!(change(&server, &access, from, to).await.status, 200);
    }
    assert_eq!(change(&server, &access, PASSWORD, PASSWORD).await.status, 400, "the tenth failure");
    assert_eq!(change(&server, &access, OTHER_PASSWORD, PASSWORD).await.status, 429);
}

/// What a change of password does to devices, and that the one that did it stays known.
#[tokio::test]
async fn sec_en_02_a_change_forgets_every_device_but_the_one_that_it_was_made_on() {
    let server = TestServer::start().await;
    let (other, own) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    let changed = change(&server, &own.string("access_token"), PASSWORD, OTHER_PASSWORD).await;
    server.clock.advance(601);
    let (before, device) = (server.mails(EMAIL).await.len(), changed.string("device_token"));
    let login = async |device: &str, password: &str| {
        server.post("/v1/login", &json!({ "email": EMAIL, "password": password, "device_token": device })).await
    };
    for _ in 0..10 {
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    }
    for forgotten in [&other, &own] {
        assert_eq!(login(&forgotten.string("device_token"), OTHER_PASSWORD).await.status, 429);
    }
    let answer = login(&device, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.string("device_token")), (200, device));
    assert_eq!(server.mails(EMAIL).await.len(), before, "nobody is told of a device that is known");
}

#[tokio::test]
async fn sec_pw_05_a_weak_new_password_is_refused_before_the_current_one_costs_an_attempt() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..12 {
        let answer = change(&server, &access, PASSWORD, "tiny").await;
        assert_eq!((answer.status, answer.fault()), (400, ("new_password".to_owned(), "too_short".to_owned())));
    }
    assert_eq!(change(&server, &access, PASSWORD, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_se_10_a_stale_sign_in_or_a_dead_session_changes_nothing() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    server.clock.advance(240);
    let refreshed = server.refresh(&signed_in.string("refresh_token")).await;
    server.clock.advance(61);
    // Refreshing has not renewed it.
    let stale = change(&server, &refreshed.string("access_token"), PASSWORD, OTHER_PASSWORD).await;
    assert_eq!((stale.status, stale.string("code").as_str()), (401, "insufficient_user_authentication"));
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.as_bearer(Method::POST, "/v1/logout", &access).await;
    assert_eq!(change(&server, &access, PASSWORD, OTHER_PASSWORD).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}
