//! `POST /ui/verify-email`

use reqwest::Method;
use serde_json::json;

use crate::harness::pages::{Browser, assert_dead, assert_refused, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};

const VERIFIED: (&str, &str) = ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true");
const FLOW: &str = "__Host-wardgate-flow";

async fn register_in(browser: &mut Browser, server: &TestServer, origin: &str) -> Answer {
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let request = server.request(Method::POST, "/v1/register").header("origin", origin).json(&body);
    browser.send(request, server).await
}

/// A browser that has registered, and the mailed link's token.
async fn registered() -> (TestServer, Browser, String) {
    let server = TestServer::with(&[VERIFIED]).await;
    let mut browser = Browser::default();
    let answer = register_in(&mut browser, &server, &server.base).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let token = link_token(&server.newest_mail(EMAIL).await);
    (server, browser, token)
}

#[tokio::test]
async fn sec_ot_10_in_the_browser_that_registered_the_link_activates_the_password_that_was_chosen() {
    let (server, mut browser, token) = registered().await;
    assert!(browser.cookies[FLOW].starts_with("ft_"));
    let shown = browser.open_link(&server, "verify-email", &token).await;
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401, "showing the page verified the address");
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your address is confirmed"), "{}", done.text);
    assert!(done.text.contains(EMAIL) && !shown.text.contains(EMAIL), "{}", done.text);
    assert!(!browser.cookies.contains_key(FLOW), "the flow is over");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
    assert_dead(&Browser::default().follow(&server, "verify-email", &token, &[]).await);
}

#[tokio::test]
async fn sec_ot_10_in_another_browser_the_link_leads_to_choosing_a_password() {
    let (server, _, token) = registered().await;
    let mut other = Browser::default();
    let asked = other.follow(&server, "verify-email", &token, &[]).await;
    assert_eq!((asked.status, heading(&asked)), (200, "Choose a new password"), "{}", asked.text);
    assert!(asked.text.contains("Your address is confirmed."), "{}", asked.text);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    let again = other.press(&server, &asked, &[("new_password", "tiny")]).await;
    assert_eq!((again.status, heading(&again)), (400, "Choose a new password"));
    let done = other.press(&server, &again, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!(heading(&done), "Your password is saved");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    server.step();
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_10_the_flow_of_another_registration_activates_nothing() {
    // A stranger has registered the owner's address, and the owner registers in another browser.
    let (server, mut stranger, strangers_link) = registered().await;
    let mut owner = Browser::default();
    register_in(&mut owner, &server, &server.base).await;
    let asked = owner.follow(&server, "verify-email", &strangers_link, &[]).await;
    assert_eq!(heading(&asked), "Choose a new password");
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert_dead(&stranger.follow(&server, "verify-email", &strangers_link, &[]).await);
}

#[tokio::test]
async fn sec_se_06_registering_sets_the_cookie_for_listed_origins_alone_and_refuses_nobody() {
    let allowed = ("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#);
    let server = TestServer::with(&[VERIFIED, allowed]).await;
    for (origin, expected) in [
        ("https://app.example.com", true),
        (server.base.as_str(), true),
        ("https://evil.example", false),
        ("null", false),
        ("", false),
    ] {
        let answer = register_in(&mut Browser::default(), &server, origin).await;
        assert_eq!(answer.status, 202);
        let cookie = answer.header("set-cookie");
        assert_eq!(cookie.starts_with(FLOW), expected, "{origin}: {cookie}");
        if expected {
            let flow = answer.string("flow_token");
            let attributes = "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=86400";
            assert_eq!(cookie, format!("{FLOW}={flow}; {attributes}"));
        }
    }
    assert_eq!(server.register(EMAIL, PASSWORD).await.header("set-cookie"), "", "a program got a cookie");
}

#[tokio::test]
async fn sec_se_06_where_the_flow_cookie_is_read_origin_and_csrf_token_have_to_be_ours() {
    let (server, mut browser, token) = registered().await;
    let shown = browser.open_link(&server, "verify-email", &token).await;
    for origin in [None, Some("null"), Some("https://evil.example")] {
        assert_refused(&browser.submit(&server, &shown, &[], origin).await);
    }
    for fields in [vec![("token", token.as_str())], vec![("token", token.as_str()), ("csrf", "AAAAAAAAAAAAAAAAAAAAAA")]]
    {
        let request = server.request(Method::POST, "/ui/verify-email").header("origin", &server.base).form(&fields);
        assert_refused(&browser.send(request, &server).await);
    }
    assert_eq!(heading(&browser.press(&server, &shown, &[]).await), "Your address is confirmed");
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_an_expired_link_verifies_nothing() {
    let (server, mut browser, token) = registered().await;
    server.clock.advance(86400);
    assert_dead(&browser.follow(&server, "verify-email", &token, &[]).await);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
}
