//! What operators set while the service runs (`make set`): seen in less than a minute, by types, and never half.

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::one_time::Purpose;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::mailed::VERIFIED;
use crate::harness::store_edge::Disturbance;
use crate::harness::{Answer, EMAIL, PASSWORD, TABLE, TestServer};

/// Writes the item as `make set` does.
async fn set(server: &TestServer, version: u64, settings: &Value) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let item = [
        ("pk", text("SETTINGS")),
        ("sk", text("SETTINGS")),
        ("version", AttributeValue::N(version.to_string())),
        ("settings", text(&settings.to_string())),
    ];
    server.put(TABLE, item.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()).await;
}

/// As [`set`], and lets the time pass after which everybody has heard.
async fn set_and_heard(server: &TestServer, version: u64, settings: &Value) {
    set(server, version, settings).await;
    server.clock.advance(55);
}

async fn register(server: &TestServer) -> Answer {
    server.register("grace@example.com", PASSWORD).await
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.string("code"))
}

#[tokio::test]
async fn a_limit_holds_in_less_than_a_minute_and_without_a_start() {
    let server = TestServer::with(&[("AUTH__LIMITS__LOGIN_SOURCE__LIMIT", "1")]).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429, "the limit as it was deployed");
    set(&server, 1, &json!({ "limits.login_source.limit": 3 })).await;
    // The first request after half a minute is answered by what is known, and reads behind it.
    server.clock.advance(30);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
    server.clock.advance(25);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401, "the raised limit");
    // What is taken back is as it was deployed.
    set_and_heard(&server, 2, &json!({})).await;
    server.clock.advance(60);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401, "a new window");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
}

#[tokio::test]
async fn a_process_that_was_idle_begins_with_what_is_set_by_now() {
    let server = TestServer::start().await;
    assert_eq!(server.get("/ready").await.status, 200);
    set(&server, 1, &json!({ "switches.sign_up": false })).await;
    server.clock.advance(3600);
    assert_eq!(code(&register(&server).await), (403, "sign_up_closed".to_owned()));
}

#[tokio::test]
async fn closed_sign_up_takes_nobody_and_lets_in_who_was_mailed_before() {
    let server = TestServer::with(&[VERIFIED]).await;
    let flow = register(&server).await.string("flow_token");
    let mail = server.last_mailed("grace@example.com", Purpose::Verification).await;
    set_and_heard(&server, 1, &json!({ "switches.sign_up": false })).await;
    let refused = server.register(EMAIL, PASSWORD).await;
    assert_eq!(code(&refused), (403, "sign_up_closed".to_owned()));
    // Not even whether the body would have been one.
    let refused = server.post("/v1/register", &json!({ "nothing": true })).await;
    assert_eq!(code(&refused), (403, "sign_up_closed".to_owned()));
    assert_eq!(server.verify_link(&mail.token, Some(&flow)).await.status, 200);
    assert_eq!(server.login("grace@example.com", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn without_mailed_codes_passwords_still_sign_in() {
    let server = TestServer::start().await;
    server.signed_in().await;
    set_and_heard(&server, 1, &json!({ "switches.email_codes": false })).await;
    let refused = server.post("/v1/login/email-code", &json!({ "email": EMAIL })).await;
    assert_eq!(code(&refused), (403, "email_codes_off".to_owned()));
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

/// Every endpoint that could change something, found by its method, so that a new one is held to it.
#[tokio::test]
async fn read_only_refuses_every_change_with_the_time_to_try_again_and_reads_on() {
    let server = TestServer::start().await;
    let access = server.signed_in().await.string("access_token");
    set_and_heard(&server, 1, &json!({ "switches.read_only": true })).await;
    let before = server.items(TABLE, "").await.len();
    let mut refused = 0;
    let reads = [Method::GET, Method::OPTIONS];
    for (endpoint, _) in ENDPOINTS.iter().filter(|(endpoint, _)| !reads.contains(endpoint.method())) {
        let path = endpoint.path().replace("{id}", "ses_1");
        let request = server.request(endpoint.method().clone(), &path).bearer_auth(&access);
        let answer = server.send(request.json(&json!({ "email": EMAIL, "password": PASSWORD }))).await;
        assert_eq!(code(&answer), (503, "read_only".to_owned()), "{}", endpoint.name);
        assert_eq!(answer.header("retry-after"), "60", "{}", endpoint.name);
        refused += 1;
    }
    assert!(refused > 20, "{refused}");
    // A page would not see the 503 without it.
    assert_eq!(server.send(server.request(Method::OPTIONS, "/v1/login")).await.status, 204);
    assert_eq!(server.items(TABLE, "").await.len(), before);
    assert_eq!(server.as_bearer(Method::GET, "/v1/me", &access).await.status, 200);
    assert_eq!(server.get("/ready").await.status, 200);
    set_and_heard(&server, 2, &json!({ "switches.read_only": false })).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_person_is_told_on_a_page_that_nothing_can_be_changed() {
    let server = TestServer::start().await;
    set_and_heard(&server, 1, &json!({ "switches.read_only": true })).await;
    let request = server.request(Method::POST, "/ui/verify-email").header("sec-fetch-mode", "navigate");
    let page = server.send(request.header("accept", "text/html").form(&[("token", "x")])).await;
    assert_eq!((page.status, page.header("retry-after")), (503, "60"), "{}", page.text);
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.text);
}

/// After a rollback there may be a switch that this version does not know, and by hand anything.
#[tokio::test]
async fn what_this_version_refuses_changes_nothing_and_hides_nothing() {
    let server = TestServer::start().await;
    let mut version = 0;
    for broken in [
        json!({ "switches.of_the_next_release": true, "switches.sign_up": false }),
        json!({ "limits.login_source.limit": "many", "switches.sign_up": false }),
        json!({ "tokens.issuer": "https://evil.example", "switches.sign_up": false }),
        json!({ "accounts.reset_seconds": 60, "switches.sign_up": false }),
    ] {
        version += 1;
        set_and_heard(&server, version, &broken).await;
        assert_eq!(code(&register(&server).await), (403, "sign_up_closed".to_owned()), "{broken}");
        assert_eq!(server.get("/ready").await.status, 200);
    }
    let discovery = server.get("/.well-known/openid-configuration").await;
    assert_eq!(discovery.string("issuer"), server.base);
    for nonsense in [json!([1]), json!("x"), json!(null)] {
        version += 1;
        set_and_heard(&server, version, &nonsense).await;
        assert_eq!(code(&register(&server).await), (403, "sign_up_closed".to_owned()), "what held before holds on");
    }
}

/// Put there by hand, it is nobody's outage: neither requests nor whoever asks how the service is may fall with it.
#[tokio::test]
async fn an_item_that_cannot_be_read_leaves_what_was_known_and_the_service_ready() {
    let server = TestServer::start().await;
    set_and_heard(&server, 1, &json!({ "switches.sign_up": false })).await;
    assert_eq!(register(&server).await.status, 403);
    server.set_attribute("SETTINGS", "SETTINGS", "version", AttributeValue::S("two".to_owned())).await;
    server.clock.advance(55);
    assert_eq!(code(&register(&server).await), (403, "sign_up_closed".to_owned()));
    for path in ["/ready", "/health"] {
        assert_eq!(server.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_table_that_does_not_answer_leaves_what_was_known() {
    let server = TestServer::start().await;
    set_and_heard(&server, 1, &json!({ "switches.sign_up": false })).await;
    assert_eq!(register(&server).await.status, 403);
    set(&server, 2, &json!({})).await;
    server.clock.advance(55);
    server.store.disturb("GetItem", Disturbance::AccessDenied, 1);
    assert_eq!(register(&server).await.status, 403);
    // It is asked again a minute after it failed.
    server.clock.advance(60);
    assert_eq!(register(&server).await.status, 202);
}
