//! `POST /v1/step-up`.

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::audit::{AuditAction, Subject};
use wardgate::domain::id::{SessionId, UserId};
use wardgate::store::sign_in::sessions::SessionEnd;

use crate::harness::applications::claims;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};
use crate::permissions::observer::Observer;

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let access = observer.server.signed_in().await.string("access_token");
    observer
        .see("step-up", async |it| {
            assert_eq!(step_up(it, &access, PASSWORD).await.status, 200);
            assert_eq!(step_up(it, &access, OTHER_PASSWORD).await.status, 401);
        })
        .await;
    // With a second factor, which is wrong once.
    let factor = observer.server.with_second_factor_of(EMAIL).await;
    let access = factor.session.string("access_token");
    observer
        .see("step-up", async |it| {
            for code in [it.code_of(&factor.app), "000000".to_owned()] {
                let shown = json!({ "password": PASSWORD, "method": "totp", "code": code });
                let answer = it.step_up_with(&access, &shown).await;
                assert_eq!(answer.status, if code == "000000" { 401 } else { 200 }, "{}", answer.text);
            }
            let shown = json!({ "password": PASSWORD, "method": "recovery_code", "code": factor.recovery_codes[0] });
            assert_eq!(it.step_up_with(&access, &shown).await.status, 200);
        })
        .await;
}

async fn step_up(server: &TestServer, access: &str, password: &str) -> Answer {
    let request = server.request(Method::POST, "/v1/step-up").bearer_auth(access);
    server.send(request.json(&json!({ "password": password }))).await
}

/// What needs a recent sign-in.
async fn export(server: &TestServer, access: &str) -> u16 {
    server.as_bearer(Method::GET, "/v1/me/export", access).await.status
}

/// After five minutes, in a session that is refreshed.
async fn stale(server: &TestServer) -> Answer {
    let signed_in = server.signed_in().await;
    server.clock.advance(301);
    let refreshed = server.refresh(&signed_in.string("refresh_token")).await;
    assert_eq!(export(server, &refreshed.string("access_token")).await, 401);
    refreshed
}

#[tokio::test]
async fn sec_se_10_who_shows_the_password_again_may_what_needs_a_recent_sign_in_in_the_same_session() {
    let server = TestServer::start().await;
    let before = stale(&server).await;
    let answer = step_up(&server, &before.string("access_token"), PASSWORD).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "stepped_up"), "{}", answer.text);
    let (was, is) = (claims(&before.string("access_token")), claims(&answer.string("access_token")));
    let of = |claims: &Value, name: &str| claims[name].clone();
    assert_eq!((of(&is, "sid"), of(&is, "sub"), of(&is, "amr")), (of(&was, "sid"), of(&was, "sub"), json!(["pwd"])));
    assert_eq!(of(&is, "auth_time").as_i64().unwrap(), of(&was, "auth_time").as_i64().unwrap() + 301);
    assert_eq!(of(&is, "auth_time"), answer.json()["auth_time"]);
    assert_eq!(export(&server, &answer.string("access_token")).await, 200);
    // The session is what counts: the token of before may, too, for as long as it lives.
    assert_eq!(export(&server, &before.string("access_token")).await, 200);
    // It is the one session that there is, its refresh token works, and what that gives tells of now.
    let sessions = server.as_bearer(Method::GET, "/v1/sessions", &answer.string("access_token")).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "{sessions}");
    let refreshed = server.refresh(&before.string("refresh_token")).await;
    assert_eq!(of(&claims(&refreshed.string("access_token")), "auth_time"), of(&is, "auth_time"));
    server.clock.advance(301);
    assert_eq!(export(&server, &refreshed.string("access_token")).await, 401, "five minutes, and no longer");
}

#[tokio::test]
async fn sec_en_01_a_wrong_password_is_counted_and_makes_nothing_fresh() {
    let server = TestServer::start().await;
    let access = stale(&server).await.string("access_token");
    for _ in 0..10 {
        let answer = step_up(&server, &access, OTHER_PASSWORD).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_credentials"));
    }
    assert_eq!(step_up(&server, &access, &"x".repeat(257)).await.status, 401);
    let answer = step_up(&server, &access, PASSWORD).await;
    assert_eq!(
        (answer.status, answer.header("retry-after").is_empty()),
        (429, false),
        "the right one is not evaluated"
    );
    assert_eq!(export(&server, &access).await, 401);
}

#[tokio::test]
async fn sec_en_02_a_right_password_gives_its_attempt_back() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    for _ in 0..30 {
        assert_eq!(step_up(&server, &access, PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn sec_se_10_a_session_that_has_ended_cannot_be_stepped_up_and_nobody_without_one() {
    let server = TestServer::start().await;
    let (own, other) = (server.signed_in().await, server.login(EMAIL, PASSWORD).await);
    server.as_bearer(Method::POST, "/v1/logout", &own.string("access_token")).await;
    let answer = step_up(&server, &own.string("access_token"), PASSWORD).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "invalid_token"));
    let answer = server.post("/v1/step-up", &json!({ "password": PASSWORD })).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (401, "authentication_required"));
    // Another session's change of the password ends this one.
    let third = server.login(EMAIL, PASSWORD).await;
    let change = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
    let request = server.request(Method::POST, "/v1/password/change").bearer_auth(third.string("access_token"));
    assert_eq!(server.send(request.json(&change)).await.status, 200);
    assert_eq!(step_up(&server, &other.string("access_token"), OTHER_PASSWORD).await.status, 401);
    // The one that did it was kept, and can.
    assert_eq!(step_up(&server, &third.string("access_token"), OTHER_PASSWORD).await.status, 200);
}

/// Between the check of the password and the transaction.
#[tokio::test]
async fn sec_se_04_a_session_that_ends_meanwhile_stays_ended() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let access = signed_in.string("access_token");
    let held = server.store.hold("TransactWriteItems");
    let (stepping, ()) = tokio::join!(step_up(&server, &access, PASSWORD), async {
        held.reached().await;
        let (user, session) = (claims(&access)["sub"].clone(), signed_in.string("session_id"));
        let ids = (UserId::parse(user.as_str().unwrap()).unwrap(), SessionId::parse(&session).unwrap());
        let elsewhere = server.elsewhere();
        let audit = elsewhere.audit(&server.context(), Subject::User(ids.0), AuditAction::SessionEnded, Some(ids.1));
        let ended = elsewhere.store.end_session(ids.0, ids.1, None, &audit.unwrap()).await.unwrap();
        assert_eq!(ended, SessionEnd::Ended);
        held.release();
    });
    assert_eq!((stepping.status, stepping.string("code").as_str()), (401, "invalid_token"));
    assert_eq!(export(&server, &access).await, 401);
}

#[tokio::test]
async fn sec_pl_03_it_is_a_line_of_ones_activity() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    // Lines of one moment stand in no order.
    server.clock.advance(1);
    step_up(&server, &access, PASSWORD).await;
    let activity = server.as_bearer(Method::GET, "/v1/me/activity", &access).await.json();
    assert_eq!(activity["items"][0]["action"], "stepped_up", "{activity}");
}
