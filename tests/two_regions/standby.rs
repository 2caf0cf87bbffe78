//! A region that stands by, one process at a time.

use reqwest::Method;
use serde_json::json;
use wardgate::use_cases::eraser::erase_accounts;
use wardgate_server::endpoints::ENDPOINTS;
use wardgate_server::jobs::stream::Turn;

use super::failover;
use crate::harness::mailed::VERIFIED;
use crate::harness::{EMAIL, PASSWORD, TABLE, TestServer};
use crate::jobs::replica;

/// Every endpoint, so that a new one is held to it: whoever asks, and whatever for, nothing is written.
#[tokio::test]
async fn sec_ed_17_a_standby_region_writes_nothing_whoever_asks() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    let standby = server.configured(|config| config.region.role = wardgate::config::Role::Standby).await;
    let before = server.items(TABLE, "").await;
    let mut refused = 0;
    for (endpoint, _) in ENDPOINTS.iter() {
        for bearer in [None, Some(&access)] {
            standby.store.reset();
            let path = endpoint.path().replace("{id}", "ses_1").replace("{page}", "sign-in");
            let mut request = standby.request(endpoint.method().clone(), &path);
            if let Some(access) = bearer {
                request = request.bearer_auth(access);
            }
            if endpoint.method() != Method::GET {
                request = request.json(&json!({ "email": EMAIL, "password": PASSWORD }));
            }
            let answer = standby.send(request).await;
            let writes = |access: &crate::harness::store_edge::Access| {
                !["GetItem", "Query"].iter().any(|action| access.action.ends_with(action))
            };
            let written: Vec<_> = standby.store.exact_accesses().into_iter().filter(writes).collect();
            assert!(written.is_empty(), "{}: {written:?}", endpoint.name);
            if endpoint.changes() {
                assert_eq!((answer.status, answer.string("code").as_str()), (503, "standby"), "{}", endpoint.name);
                assert_eq!(answer.header("retry-after"), "60", "{}", endpoint.name);
                assert_eq!(standby.store.count(), 0, "{} asked the table first", endpoint.name);
                refused += 1;
            }
        }
    }
    assert!(refused > 40, "{refused}");
    let export = standby.as_bearer(Method::GET, "/v1/me/export", &access).await;
    assert_eq!((export.status, export.string("code").as_str()), (503, "standby"));
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration", "/health", "/ready"] {
        assert_eq!(standby.get(path).await.status, 200, "{path}");
    }
    assert_eq!(server.items(TABLE, "").await, before);
}

#[tokio::test]
async fn sec_ed_17_workers_of_a_region_that_stands_by_do_nothing_and_lose_nothing() {
    let server = TestServer::with(&[("AUTH__REGION__NAME", "eu-central-1")]).await;
    server.register(EMAIL, PASSWORD).await;
    failover::take_over_item(&server, "eu-west-1", None).await;
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    assert!(server.pump.drain().await.is_err());
    assert!(erase_accounts(&server.app, "test").await.is_err());
    assert_eq!(server.mail_edge.taken(), 0);
    // This region writes again. What was asked for before that is not sent; what is asked for now is.
    server.clock.advance(1);
    failover::take_over_item(&server, "eu-central-1", None).await;
    let before = server.mails(EMAIL).await;
    assert!(!before.iter().any(|mail| mail.text.contains("?token=")), "{before:?}");
    server.clock.advance(61);
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status, 202);
    assert!(server.newest_mail(EMAIL).await.text.contains("?token="));
    assert_eq!(erase_accounts(&server.app, "test").await.unwrap(), 0);
}

/// Leases are items, and would be taken from who works in the region that writes.
#[tokio::test]
async fn sec_ed_17_a_server_that_stands_by_takes_no_lease() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let standby = server.configured(|config| config.region.role = wardgate::config::Role::Standby).await;
    let before = server.items(TABLE, "").await;
    let (mut jobs, bus) = replica(&standby);
    assert_eq!(jobs.turn().await, Turn::Idle);
    assert_eq!((server.items(TABLE, "").await, server.mail_edge.taken()), (before, 0));
    // One that writes finds all of it to do.
    let (mut jobs, _) = replica(&server);
    assert_eq!(jobs.turn().await, Turn::Worked);
    assert_eq!(bus.taken(), Vec::<String>::new());
}

/// The other region may have mailed it, and somebody may have used it there.
#[tokio::test]
async fn sec_ed_18_a_registration_of_before_is_not_mailed_again() {
    let server = TestServer::with(&[VERIFIED, ("AUTH__REGION__NAME", "eu-west-1")]).await;
    let flow = server.register(EMAIL, PASSWORD).await.string("flow_token");
    server.clock.advance(1);
    failover::take_over_item(&server, "eu-west-1", None).await;
    server.clock.advance(120);
    let body = json!({ "email": EMAIL, "flow_token": flow });
    assert_eq!(server.post("/v1/email/verify/resend", &body).await.status, 202);
    assert!(server.mails(EMAIL).await.is_empty());
    // One that begins now goes the whole way.
    server.clock.advance(120);
    server.register(EMAIL, PASSWORD).await;
    assert!(server.newest_mail(EMAIL).await.text.contains("?token="));
}

/// It cannot be told otherwise: its parameters are where nobody deploys just now.
#[tokio::test]
async fn sec_ed_17_a_writer_that_lost_its_place_stops_in_less_than_a_minute() {
    let server = TestServer::with(&[("AUTH__REGION__NAME", "eu-central-1")]).await;
    server.signed_in().await;
    failover::take_over_item(&server, "eu-west-1", None).await;
    server.clock.advance(55);
    let answer = server.login(EMAIL, PASSWORD).await;
    assert_eq!((answer.status, answer.string("code").as_str()), (503, "standby"));
    failover::take_over_item(&server, "eu-central-1", None).await;
    server.clock.advance(55);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

/// A stage of one region reads nothing more than before.
#[tokio::test]
async fn a_stage_of_one_region_does_not_ask_who_writes() {
    let server = TestServer::start().await;
    server.clock.advance(60);
    server.store.reset();
    server.get("/v1/me").await;
    let sorts = server.store.accesses();
    assert!(sorts.iter().filter(|access| access.partition == "SETTINGS").count() <= 1, "{sorts:?}");
    assert_eq!(server.store.count(), 1);
}

/// A process that has run all the while has rings of before. The other region's are copied over them only once the table
/// says who writes.
#[tokio::test]
async fn sec_ed_18_a_region_that_takes_its_place_back_goes_on_with_the_rings_that_are_copied_to_it() {
    let server = TestServer::with_secrets_manager(&[("AUTH__REGION__NAME", "eu-central-1")]).await;
    server.signed_in().await;
    failover::take_over_item(&server, "eu-central-1", Some(0)).await;
    server.clock.advance(60);
    assert!(sealed_by(&server).await.starts_with("rt_s1."), "nothing is copied yet");
    server.secrets_manager.rotate("session_mac", |ring| {
        ring["keys"][0]["kid"] = "s2".into();
        ring["keys"][0]["secret"] = "c2Vjb25kIHNlY29uZCBzZWNvbmQgc2Vjb25kIHNlY29uZCE=".into();
    });
    server.clock.advance(60);
    let token = sealed_by(&server).await;
    assert!(token.starts_with("rt_s2."), "{token}");
    assert_eq!(server.refresh(&token).await.status, 200);
    // Not for ever: secrets are paid for by the request.
    server.clock.advance(15 * 60);
    sealed_by(&server).await;
    server.secrets_manager.taken();
    server.clock.advance(60);
    sealed_by(&server).await;
    assert_eq!(server.secrets_manager.taken(), Vec::<String>::new());
}

async fn sealed_by(server: &TestServer) -> String {
    server.login(EMAIL, PASSWORD).await.string("refresh_token")
}
