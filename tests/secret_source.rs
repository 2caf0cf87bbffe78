//! Keys from Secrets Manager: what each request gets while it is down, slow, wrong or rotating.

use std::collections::BTreeSet;
use std::sync::Arc;

use reqwest::Method;
use wardgate::current::Current;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::secrets_manager::Mood;
use crate::harness::{EMAIL, PASSWORD, START, TestServer};
use crate::permissions::everything;

/// Short enough to wait for: a source that never answers is noticed by its time-out alone.
const QUICK: [(&str, &str); 3] = [
    ("AUTH__AWS__ATTEMPT_TIMEOUT_MS", "200"),
    ("AUTH__AWS__OPERATION_TIMEOUT_MS", "1000"),
    ("AUTH__AWS__MAX_ATTEMPTS", "2"),
];

async fn server() -> TestServer {
    TestServer::with_secrets_manager(&QUICK).await
}

#[tokio::test]
async fn a_sign_in_reads_its_rings_once() {
    let server = server().await;
    server.signed_in().await;
    let rings: BTreeSet<String> = server.secrets_manager.taken().into_iter().collect();
    let expected = ["login_mac", "password_wrap", "session_mac", "signing"].map(str::to_owned);
    assert_eq!(rings, BTreeSet::from(expected));
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert_eq!(server.secrets_manager.taken(), Vec::<String>::new());
}

#[tokio::test]
async fn down_at_a_cold_start_every_request_is_503_until_it_is_back() {
    for mood in [Mood::Down, Mood::Slow, Mood::Empty] {
        let server = server().await;
        server.secrets_manager.set(mood);
        for answer in [server.login(EMAIL, PASSWORD).await, server.get("/.well-known/jwks.json").await] {
            assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{mood:?}: {}", answer.text);
        }
        assert_eq!(server.get("/ready").await.status, 503, "{mood:?}");
        assert_eq!(server.store.count(), 1, "{mood:?}: only /ready asks the table");
        server.secrets_manager.set(Mood::Up);
        server.signed_in().await;
        assert_eq!(server.get("/ready").await.status, 200, "{mood:?}");
    }
}

#[tokio::test]
async fn garbage_or_a_missing_right_at_a_cold_start_is_our_fault_and_never_shown() {
    for mood in [Mood::Garbage, Mood::Denied] {
        let server = server().await;
        server.secrets_manager.set(mood);
        let answer = server.login(EMAIL, PASSWORD).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (500, "internal_error"), "{mood:?}");
        assert!(!answer.text.contains("s3cret"), "{mood:?}: {}", answer.text);
    }
}

/// An emergency retires a key in the source. Who cannot read the source must not go on with the key for a day.
#[tokio::test]
async fn sec_tk_04_down_when_warm_nobody_notices_for_an_hour_and_then_no_key_is_used_unseen() {
    for mood in [Mood::Down, Mood::Slow, Mood::Garbage, Mood::Denied, Mood::Empty] {
        let server = server().await;
        let mut token = server.signed_in().await.string("refresh_token");
        server.secrets_manager.set(mood);
        for minutes in [10, 20, 29] {
            server.clock.advance(minutes * 60);
            let answer = server.refresh(&token).await;
            assert_eq!(answer.status, 200, "{mood:?}: {}", answer.text);
            token = answer.string("refresh_token");
        }
        server.clock.advance(60);
        assert!(server.refresh(&token).await.status >= 500, "{mood:?} for an hour");
        for path in ["/v1/me", "/.well-known/jwks.json"] {
            assert!(server.as_bearer(Method::GET, path, "at").await.status != 200, "{mood:?}: {path}");
        }
        server.secrets_manager.set(Mood::Up);
        assert_eq!(server.refresh(&token).await.status, 200, "{mood:?} is over");
    }
}

#[tokio::test]
async fn sec_tk_04_a_rotation_under_load_rejects_no_live_token() {
    let server = server().await;
    let signed_in = server.signed_in().await;
    let (mut refresh, mut access) = (signed_in.string("refresh_token"), signed_in.string("access_token"));
    // A second key, published now, signing from ten minutes on; the first stops then.
    let switch = START.millis() + 600_000;
    server.secrets_manager.rotate("session_mac", |ring| {
        let mut second = ring["keys"][0].clone();
        second["kid"] = "s2".into();
        second["secret"] = "c2Vjb25kIHNlY29uZCBzZWNvbmQgc2Vjb25kIHNlY29uZCE=".into();
        second["sign_from"] = switch.into();
        ring["keys"][0]["sign_until"] = switch.into();
        ring["keys"].as_array_mut().unwrap().push(second);
    });
    let mut kids = BTreeSet::new();
    for _ in 0..30 {
        server.clock.advance(60);
        let answer = server.refresh(&refresh).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 200);
        (refresh, access) = (answer.string("refresh_token"), answer.string("access_token"));
        kids.insert(refresh.split('.').next().unwrap().to_owned());
    }
    assert_eq!(kids, BTreeSet::from(["rt_s1".to_owned(), "rt_s2".to_owned()]));
}

#[tokio::test]
async fn sec_tk_03_a_kid_that_a_rotation_has_just_published_is_fetched_at_once_but_foreign_ones_once_a_minute() {
    let server = server().await;
    let access = server.signed_in().await.string("access_token");
    // Knows the keys, and has never heard of this one.
    server.secrets_manager.rotate("public_keys", |ring| ring["keys"][0]["jwk"]["kid"] = "old".into());
    server.get("/.well-known/jwks.json").await;
    server.secrets_manager.rotate("public_keys", |ring| ring["keys"][0]["jwk"]["kid"] = "rs256-1".into());
    server.secrets_manager.taken();
    for _ in 0..5 {
        assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 401);
    }
    assert_eq!(server.secrets_manager.taken().len(), 0, "less than a minute after the last read");
    server.clock.advance(60);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 200);
    assert_eq!(server.secrets_manager.taken(), ["public_keys"]);
}

#[tokio::test]
async fn sec_ot_09_sec_tk_05_each_endpoint_reads_just_the_rings_that_it_says() {
    for (endpoint, _) in ENDPOINTS.iter() {
        let expected: BTreeSet<&str> = endpoint.needs.rings.iter().map(|ring| ring.name()).collect();
        let server = server().await;
        Current::new(Arc::clone(&server.app), endpoint.needs).prefetch(endpoint.needs).await;
        let ahead = server.secrets_manager.taken();
        assert_eq!(ahead.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{}", endpoint.name);

        let read = &everything().await.rings[endpoint.name];
        assert_eq!(read.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{}", endpoint.name);
    }
}
