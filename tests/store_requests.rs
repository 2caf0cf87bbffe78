//! How many store requests each endpoint makes, counted below the SDK: the budget of docs/architecture.md.

use reqwest::Method;
use serde_json::json;
use wardgate::domain::one_time::Purpose;

use crate::harness::mailed::VERIFIED;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer};

#[tokio::test]
async fn a_sign_in_counts_from_the_narrowest_to_the_widest_and_gives_back_in_one_round() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.store.reset();
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert_eq!(
        server.store.rounds(),
        [
            vec!["GetItem", "UpdateItem"],
            vec!["UpdateItem"],
            vec!["UpdateItem"],
            vec!["TransactWriteItems"],
            vec!["Query", "UpdateItem", "UpdateItem"]
        ]
    );
}

#[tokio::test]
async fn a_sign_in_from_a_known_device_has_one_counter_less() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    server.store.reset();
    let body = json!({ "email": EMAIL, "password": PASSWORD, "device_token": device });
    assert_eq!(server.post("/v1/login", &body).await.status, 200);
    assert_eq!(
        server.store.rounds(),
        [vec!["GetItem", "UpdateItem"], vec!["UpdateItem"], vec!["TransactWriteItems"], vec!["UpdateItem"]]
    );
}

#[tokio::test]
async fn an_order_for_a_mail_is_three_counters_one_after_the_other_and_its_item() {
    let server = TestServer::start().await;
    let device = server.signed_in().await.string("device_token");
    let (count, put) = (["UpdateItem"], ["PutItem"]);
    for (path, body, rounds) in [
        ("/v1/register", json!({ "email": EMAIL, "password": PASSWORD }), vec![]),
        ("/v1/password/forgot", json!({ "email": EMAIL }), vec![count, count, count, put]),
        ("/v1/password/forgot", json!({ "email": EMAIL, "device_token": device }), vec![count, count, put]),
        ("/v1/login/email-code", json!({ "email": EMAIL }), vec![count, count, count, put]),
        ("/v1/login/email-code", json!({ "email": EMAIL, "device_token": device }), vec![count, count, put]),
        ("/v1/email/verify/resend", json!({ "email": EMAIL }), vec![count, count, count, put]),
    ] {
        server.store.reset();
        assert_eq!(server.post(path, &body).await.status, 202, "{path}");
        if path == "/v1/register" {
            let rounds = [[count; 4].to_vec(), vec![["GetItem"], ["TransactWriteItems"]]].concat();
            assert_eq!(server.store.rounds(), rounds);
        } else {
            assert_eq!(server.store.rounds(), rounds, "{path}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_by_mail_counts_the_source_and_then_its_flow() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let (typed, followed) = (server.mailed_code(EMAIL).await, server.mailed_code(EMAIL).await);
    let rest = || vec![vec!["TransactWriteItems"], vec!["Query"]];
    server.store.reset();
    assert_eq!(server.verify_sign_in(&typed.body()).await.status, 200);
    let tried = vec![vec!["UpdateItem"], vec!["UpdateItem"], vec!["GetItem"]];
    assert_eq!(server.store.rounds(), [tried, rest()].concat());
    server.store.reset();
    assert_eq!(server.verify_sign_in(&followed.link()).await.status, 200);
    assert_eq!(server.store.rounds(), [vec![vec!["GetItem"], vec!["GetItem"]], rest()].concat());
}

#[tokio::test]
async fn a_failed_sign_in_adds_one_audit_write_and_one_over_the_sources_limit_is_one_round() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "1")]).await;
    server.register(EMAIL, PASSWORD).await;
    for (expected, rounds) in [(401, 4), (429, 1)] {
        server.store.reset();
        assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, expected);
        let all = [vec!["GetItem", "UpdateItem"], vec!["UpdateItem"], vec!["UpdateItem"], vec!["PutItem"]];
        assert_eq!(server.store.rounds(), all[..rounds]);
    }
}

#[tokio::test]
async fn a_refresh_is_one_parallel_round() {
    let server = TestServer::start().await;
    let token = server.signed_in().await.string("refresh_token");
    server.store.reset();
    assert_eq!(server.refresh(&token).await.status, 200);
    assert_eq!(server.store.rounds(), [vec!["GetItem", "UpdateItem"]]);
}

#[tokio::test]
async fn verification_discovery_and_keys_make_none() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.store.reset();
    wardgate::use_cases::authenticate::verify(&server.app, &server.context(), &access).await.unwrap();
    server.get("/.well-known/jwks.json").await;
    server.get("/.well-known/openid-configuration").await;
    server.as_bearer(Method::GET, "/v1/me", "a.b.c").await;
    assert_eq!(server.store.count(), 0);
}

#[tokio::test]
async fn the_budget_does_not_grow_with_sessions() {
    let server = TestServer::start().await;
    server.signed_in().await;
    let mut costs = Vec::new();
    for _ in 0..2 {
        let mut access = String::new();
        for _ in 0..20 {
            access = server.login(EMAIL, PASSWORD).await.string("access_token");
        }
        server.store.reset();
        server.as_bearer(Method::GET, "/v1/sessions", &access).await;
        costs.push(server.store.count());
    }
    assert_eq!(costs, [3, 3]);
}

#[tokio::test]
async fn verifying_is_two_reads_one_transaction_and_dropping_the_others() {
    let server = TestServer::with(&[VERIFIED]).await;
    for _ in 0..2 {
        server.register(EMAIL, OTHER_PASSWORD).await;
        server.step();
    }
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    let mail = server.last_mailed(EMAIL, Purpose::Verification).await;
    server.store.reset();
    assert_eq!(server.verify_code(EMAIL, "bad", Some(&flow)).await.status, 400);
    assert_eq!(server.store.rounds(), [["UpdateItem"], ["UpdateItem"]]);
    server.store.reset();
    assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.status, 200);
    assert_eq!(
        server.store.rounds(),
        [vec!["GetItem"], vec!["GetItem"], vec!["TransactWriteItems"], vec!["Query"], vec!["DeleteItem", "DeleteItem"]]
    );
}

#[tokio::test]
async fn changing_an_address_is_a_password_check_and_one_transaction_for_each_step() {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register_verified(EMAIL, PASSWORD).await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    server.store.reset();
    assert_eq!(server.ask_for_address(&access, "ada@new.example", PASSWORD).await.status, 202);
    let live = vec!["GetItem", "GetItem"];
    let [begin, count] = [vec!["GetItem", "UpdateItem"], vec!["UpdateItem"]];
    let order = vec![vec!["UpdateItem", "UpdateItem"], vec!["UpdateItem"], vec!["UpdateItem"]];
    let rounds = [vec![live, begin, count], order, vec![vec!["GetItem"], vec!["TransactWriteItems"]]].concat();
    assert_eq!(server.store.rounds(), rounds);
    let token = server.last_mailed("ada@new.example", Purpose::EmailChange).await.token;
    server.store.reset();
    server.post("/v1/email/change/confirm", &json!({ "token": token })).await;
    assert_eq!(server.store.rounds(), [["GetItem"], ["GetItem"], ["GetItem"], ["TransactWriteItems"]]);
    let token = server.last_mailed(EMAIL, Purpose::EmailUndo).await.token;
    server.store.reset();
    server.post("/v1/email/change/undo", &json!({ "token": token })).await;
    assert_eq!(server.store.rounds(), [["GetItem"], ["GetItem"], ["TransactWriteItems"]]);
}

#[tokio::test]
async fn a_change_of_the_profile_and_a_deletion_are_one_round_of_reads_and_one_transaction() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    server.store.reset();
    let update = server.request(Method::PATCH, "/v1/me").bearer_auth(&access);
    assert_eq!(server.send(update.json(&serde_json::json!({ "name": "Ada" }))).await.status, 200);
    assert_eq!(server.store.rounds(), [vec!["GetItem", "GetItem"], vec!["TransactWriteItems"]]);
    server.store.reset();
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/me", &access).await.status, 202);
    assert_eq!(server.store.rounds(), [vec!["GetItem", "GetItem"], vec!["TransactWriteItems"]]);
    let token = server.last_mailed(EMAIL, Purpose::KeepAccount).await.token;
    server.store.reset();
    assert_eq!(server.post("/v1/me/keep", &serde_json::json!({ "token": token })).await.status, 200);
    assert_eq!(server.store.rounds(), [vec!["GetItem"], vec!["GetItem"], vec!["TransactWriteItems"]]);
}

/// However much there is of it: pages of it are as long as the table's.
#[tokio::test]
async fn activity_takes_a_query_a_month_and_an_export_four_more_and_a_write() {
    let server = TestServer::start().await;
    server.signed_in().await;
    for months in 1..=3 {
        for _ in 0..5 {
            server.login(EMAIL, PASSWORD).await;
        }
        let access = server.login(EMAIL, PASSWORD).await.string("access_token");
        server.store.reset();
        server.as_bearer(Method::GET, "/v1/me/activity", &access).await;
        let mut expected = vec![vec!["GetItem", "GetItem"]];
        expected.extend(std::iter::repeat_n(vec!["Query"], months));
        assert_eq!(server.store.rounds(), expected);
        server.store.reset();
        server.as_bearer(Method::GET, "/v1/me/export", &access).await;
        let mut expected = vec![vec!["GetItem", "GetItem"], vec!["PutItem"]];
        // Of the address, the sessions, the grants and the consents.
        expected.extend(std::iter::repeat_n(vec!["Query"], 4 + months));
        assert_eq!(server.store.rounds(), expected);
        server.clock.advance(31 * 86_400);
    }
}
