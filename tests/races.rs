//! Many at once.

use std::collections::BTreeSet;

use futures::future::join_all;
use reqwest::Method;

use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer};

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
    let failures = [("AUTH__LIMITS__LOGIN_ACCOUNT__FREE_FAILURES", "100")];
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
