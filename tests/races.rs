//! Many at once.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::join_all;
use reqwest::Method;
use serde_json::json;
use wardgate::domain::email::Email;

use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, code, link_token};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_03_50_parallel_refreshes_leave_one_successor_and_nobody_signed_out() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    let answers = join_all((0..50).map(|_| server.refresh(&token))).await;
    let successors: BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "{}", answer.text);
            answer.string("refresh_token")
        })
        .collect();
    assert_eq!(successors.len(), 1);
    server.clock.advance(60);
    assert_eq!(server.refresh(successors.first().unwrap()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_en_04_100_parallel_registrations_of_one_address_make_one_user() {
    let failures = [("AUTH__LIMITS__LOGIN_PAIR__FREE_FAILURES", "100")];
    let server = TestServer::with(&failures).await;
    let password = |index: usize| format!("violet teapots orbit slowly {index}");
    let answers = join_all((0..100).map(|index| {
        let (server, password) = (&server, password(index));
        async move { server.register(EMAIL, &password).await.status }
    }))
    .await;
    assert!(answers.iter().all(|status| *status == 202), "{answers:?}");
    assert_eq!(server.items(TABLE, "USER#").await.len(), 1);
    let credentials = server.items(TABLE, "EMAIL#").await;
    assert_eq!(credentials.iter().filter(|item| item["sk"].as_s().unwrap() == "CREDENTIAL").count(), 1);
    let mut signed_in = 0;
    for index in 0..100 {
        signed_in += usize::from(server.login(EMAIL, &password(index)).await.status == 200);
    }
    assert_eq!(signed_in, 1, "how many of the passwords work");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refreshes_racing_a_sign_out_never_outlive_it() {
    let server = TestServer::start().await;
    let signed_in = server.signed_in().await;
    let (token, access) = (signed_in.string("refresh_token"), signed_in.string("access_token"));
    let refreshes = join_all((0..20).map(|_| server.refresh(&token)));
    let (answers, out) = futures::join!(refreshes, server.as_bearer(Method::POST, "/v1/logout", &access));
    assert_eq!(out.status, 204);
    for answer in answers.iter().filter(|answer| answer.status == 200) {
        assert_eq!(server.refresh(&answer.string("refresh_token")).await.status, 401);
    }
    assert_eq!(server.refresh(&token).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_two_sessions_that_end_each_other_leave_exactly_one() {
    let server = TestServer::start().await;
    let sessions = [server.signed_in().await, server.login(EMAIL, PASSWORD).await];
    server.clock.advance(1);
    let ends = sessions.each_ref().map(|session| session.string("access_token"));
    let answers = join_all(ends.iter().map(|access| server.as_bearer(Method::DELETE, "/v1/sessions", access))).await;
    let won: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let mut live = 0;
    for session in &sessions {
        live += usize::from(server.refresh(&session.string("refresh_token")).await.status == 200);
    }
    assert_eq!((won.iter().filter(|status| **status == 204).count(), live), (1, 1), "{won:?}");
}

/// Two sign-ins whose proof was read before something ended the account's sessions, and whose transaction comes after
/// it: by password, and by mailed code. Neither may leave a live session (SE-04).
async fn overtaken(change: impl AsyncFn(&TestServer, &str)) {
    for by_code in [false, true] {
        let server = TestServer::start().await;
        server.register(EMAIL, PASSWORD).await;
        server.verify_directly(EMAIL).await;
        let before = server.login(EMAIL, PASSWORD).await;
        let flow = server.code_flow(EMAIL).await;
        let sign_in = async |server: &TestServer, code: &str| {
            if by_code {
                server.verify_sign_in(&json!({ "email": EMAIL, "code": code, "flow_token": flow })).await
            } else {
                server.login(EMAIL, PASSWORD).await
            }
        };
        let mailed = code(&server.newest_mail(EMAIL).await);
        server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
        server.newest_mail(EMAIL).await;
        server.clock.advance(1);
        let held = server.store.hold("TransactWriteItems");
        let (answer, ()) = futures::join!(sign_in(&server, &mailed), async {
            held.reached().await;
            change(&server, &before.string("access_token")).await;
            held.release();
        });
        let refused = if by_code { "invalid_code" } else { "invalid_credentials" };
        assert_eq!((answer.status, answer.string("code").as_str()), (401, refused), "{}", answer.text);
        assert_eq!(server.items(TABLE, "USER#").await.len(), 2, "the profile and the session from before");
        assert_eq!(server.refresh(&before.string("refresh_token")).await.status, 401);
    }
}

async fn reset(server: &TestServer) {
    let token = link_token(&server.arrived(EMAIL).pop().unwrap());
    let body = json!({ "token": token, "new_password": OTHER_PASSWORD });
    assert_eq!(server.post("/v1/password/reset", &body).await.status, 200);
}

/// Disables the account as an administrator's tool would.
async fn disable(server: &TestServer) {
    let key = Email::parse(EMAIL).unwrap().key();
    let user = server.app.store.read_credential(&key).await.unwrap().unwrap().user_id;
    let disabled = AttributeValue::S("disabled".to_owned());
    server.set_attribute(&format!("USER#{user}"), "PROFILE", "status", disabled.clone()).await;
    server.set_attribute(&format!("EMAIL#{}", key.as_str()), "CREDENTIAL", "status", disabled).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_sec_ot_06_reset_racing_login_leaves_no_live_session() {
    overtaken(async |server, _| reset(server).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_disable_racing_login_leaves_no_live_session() {
    overtaken(async |server, _| disable(server).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_deletion_racing_login_leaves_no_live_session() {
    overtaken(async |server, access| {
        assert_eq!(server.as_bearer(Method::DELETE, "/v1/me", access).await.status, 202);
    })
    .await;
}

/// A refresh that has read the account before a reset may still answer, but what it answers with is dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sec_se_04_sec_ot_06_a_refresh_racing_a_reset_or_a_disabling_leaves_no_live_session() {
    for (held, disables) in [("UpdateItem", false), ("GetItem", false), ("UpdateItem", true), ("GetItem", true)] {
        let server = TestServer::start().await;
        server.register(EMAIL, PASSWORD).await;
        server.verify_directly(EMAIL).await;
        let signed_in = server.login(EMAIL, PASSWORD).await;
        server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
        server.newest_mail(EMAIL).await;
        server.clock.advance(1);
        let token = signed_in.string("refresh_token");
        let waits = server.store.hold(held);
        let (answer, ()) = futures::join!(server.refresh(&token), async {
            waits.reached().await;
            if disables {
                disable(&server).await;
            } else {
                reset(&server).await;
            }
            waits.release();
        });
        let mut tokens = vec![(token, signed_in.string("access_token"))];
        if held == "GetItem" {
            assert_eq!(answer.status, 401, "the account was read after it had changed");
        } else if answer.status == 200 {
            tokens.push((answer.string("refresh_token"), answer.string("access_token")));
        }
        for (refresh, access) in tokens {
            assert_eq!(server.refresh(&refresh).await.status, 401);
            assert_eq!(server.as_bearer(Method::GET, "/v1/sessions", &access).await.status, 401);
        }
    }
}
