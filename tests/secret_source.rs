//! Keys from Secrets Manager: what each request gets while it is down, slow, wrong or rotating.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use wardgate::domain::one_time::Purpose;
use wardgate_server::endpoints::ENDPOINTS;

use crate::harness::pages::Browser;
use crate::harness::secrets_manager::Mood;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, START, TestServer, link_token};

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
        server.app.prefetch(endpoint.needs).await;
        let ahead = server.secrets_manager.taken();
        assert_eq!(ahead.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{}", endpoint.name);

        let server = self::server().await;
        let read = rings_of_a_success(&server, endpoint.name).await;
        assert_eq!(read.iter().map(String::as_str).collect::<BTreeSet<_>>(), expected, "{}", endpoint.name);
    }
}

/// Drives one endpoint to a success in a process that has read nothing yet, and gives what it read.
async fn rings_of_a_success(server: &TestServer, name: &str) -> Vec<String> {
    let signed_in = server.signed_in().await;
    let (access, refresh) = (signed_in.string("access_token"), signed_in.string("refresh_token"));
    let followed = followed_link(server, name).await;
    let opened = opened_page(server, name).await;
    server.secrets_manager.taken();
    let restarted = server.restarted().await;
    let path = format!("/v1/sessions/{}", signed_in.string("session_id"));
    let statuses = match name {
        "register" => vec![restarted.register("bob@example.com", PASSWORD).await.status],
        "login" => vec![restarted.login(EMAIL, PASSWORD).await.status],
        "login-email-code" => {
            vec![restarted.post("/v1/login/email-code", &serde_json::json!({ "email": EMAIL })).await.status]
        }
        "login-email-code-verify" => {
            let mailed = server.mailed_code(EMAIL).await;
            server.secrets_manager.taken();
            vec![restarted.verify_sign_in(&mailed.link()).await.status]
        }
        "token-refresh" => vec![restarted.refresh(&refresh).await.status],
        "logout" => {
            let by_bearer = restarted.as_bearer(Method::POST, "/v1/logout", &access).await.status;
            let body = json!({ "refresh_token": refresh });
            vec![by_bearer, restarted.post("/v1/logout", &body).await.status]
        }
        "me" => vec![restarted.as_bearer(Method::GET, "/v1/me", &access).await.status],
        "me-activity" => vec![restarted.as_bearer(Method::GET, "/v1/me/activity", &access).await.status],
        "me-delete" => vec![restarted.as_bearer(Method::DELETE, "/v1/me", &access).await.status],
        "me-export" => vec![restarted.as_bearer(Method::GET, "/v1/me/export", &access).await.status],
        "me-keep" => {
            server.as_bearer(Method::DELETE, "/v1/me", &access).await;
            let token = server.last_mailed(EMAIL, Purpose::KeepAccount).await.token;
            server.secrets_manager.taken();
            vec![restarted.post("/v1/me/keep", &serde_json::json!({ "token": token })).await.status]
        }
        "me-update" => {
            let update = restarted.request(Method::PATCH, "/v1/me").bearer_auth(&access);
            vec![restarted.send(update.json(&serde_json::json!({ "name": "Ada" }))).await.status]
        }
        "sessions-list" => vec![restarted.as_bearer(Method::GET, "/v1/sessions", &access).await.status],
        "session-end" => vec![restarted.as_bearer(Method::DELETE, &path, &access).await.status],
        "sessions-end-others" => vec![restarted.as_bearer(Method::DELETE, "/v1/sessions", &access).await.status],
        "email-verify-resend" => {
            vec![restarted.post("/v1/email/verify/resend", &json!({ "email": EMAIL })).await.status]
        }
        "email-change" => vec![restarted.ask_for_address(&access, "ada@new.example", PASSWORD).await.status],
        "email-verify" | "email-change-confirm" | "email-change-undo" | "password-reset" => {
            let (path, body) = followed.unwrap();
            vec![restarted.post(path, &body).await.status]
        }
        "password-forgot" => vec![restarted.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status],
        "password-change" => {
            let body = json!({ "current_password": PASSWORD, "new_password": OTHER_PASSWORD });
            let change = restarted.request(Method::POST, "/v1/password/change").bearer_auth(&access);
            vec![restarted.send(change.json(&body)).await.status]
        }
        "page-show" => vec![restarted.get("/ui/reset-password?token=a").await.status],
        name if name.starts_with("page-") => {
            let (mut browser, shown) = opened.unwrap();
            let typed: &[_] = if name == "page-reset-password" { &[("new_password", OTHER_PASSWORD)] } else { &[] };
            vec![browser.submit(&restarted, &shown, typed, Some(&server.base)).await.status]
        }
        "jwks" => vec![restarted.get("/.well-known/jwks.json").await.status],
        "openid-configuration" => vec![restarted.get("/.well-known/openid-configuration").await.status],
        other => vec![restarted.get(&format!("/{other}")).await.status],
    };
    assert!(statuses.iter().all(|status| *status < 300), "{name}: {statuses:?}");
    server.secrets_manager.taken()
}

/// What a mailed link asks of the endpoint that takes it.
async fn followed_link(server: &TestServer, name: &str) -> Option<(&'static str, Value)> {
    match name {
        "email-verify" => {
            let flow = server.register("bob@example.com", PASSWORD).await.string("flow_token");
            let token = server.last_mailed("bob@example.com", Purpose::Verification).await.token;
            Some(("/v1/email/verify", json!({ "token": token, "flow_token": flow })))
        }
        "email-change-confirm" => {
            let access = server.login(EMAIL, PASSWORD).await.string("access_token");
            server.ask_for_address(&access, "ada@new.example", PASSWORD).await;
            let token = server.last_mailed("ada@new.example", Purpose::EmailChange).await.token;
            Some(("/v1/email/change/confirm", json!({ "token": token })))
        }
        "email-change-undo" => {
            server.move_address(EMAIL, PASSWORD, "ada@new.example").await;
            let token = server.last_mailed(EMAIL, Purpose::EmailUndo).await.token;
            Some(("/v1/email/change/undo", json!({ "token": token })))
        }
        "password-reset" => {
            server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
            let token = link_token(&server.newest_mail(EMAIL).await);
            Some(("/v1/password/reset", json!({ "token": token, "new_password": OTHER_PASSWORD })))
        }
        _ => None,
    }
}

/// The page of a mailed link, in a browser that has what a person's would have.
async fn opened_page(server: &TestServer, name: &str) -> Option<(Browser, Answer)> {
    let page = name.strip_prefix("page-")?;
    let mut browser = Browser::default();
    let signed_in = async || server.login(EMAIL, PASSWORD).await.string("access_token");
    let (email, purpose) = match page {
        "verify-email" => {
            let flow = server.register("bob@example.com", PASSWORD).await.string("flow_token");
            browser.cookies.insert("__Host-wardgate-flow".to_owned(), flow);
            ("bob@example.com", Purpose::Verification)
        }
        "confirm-email-change" => {
            server.ask_for_address(&signed_in().await, "ada@new.example", PASSWORD).await;
            ("ada@new.example", Purpose::EmailChange)
        }
        "undo-email-change" => {
            server.move_address(EMAIL, PASSWORD, "ada@new.example").await;
            (EMAIL, Purpose::EmailUndo)
        }
        "keep-account" => {
            server.as_bearer(Method::DELETE, "/v1/me", &signed_in().await).await;
            (EMAIL, Purpose::KeepAccount)
        }
        "sign-in" | "reset-password" => {
            server.verify_directly(EMAIL).await;
            if page == "sign-in" {
                let flow = server.code_flow(EMAIL).await;
                browser.cookies.insert("__Host-wardgate-code-flow".to_owned(), flow);
            } else {
                server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
            }
            let token = link_token(&server.newest_mail(EMAIL).await);
            let shown = browser.open_link(server, page, &token).await;
            return Some((browser, shown));
        }
        _ => return None,
    };
    let token = server.last_mailed(email, purpose).await.token;
    let shown = browser.open_link(server, page, &token).await;
    Some((browser, shown))
}
