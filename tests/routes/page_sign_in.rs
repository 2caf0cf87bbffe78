//! `POST /ui/sign-in`

use reqwest::Method;
use serde_json::json;

use crate::harness::pages::{Browser, assert_dead, assert_refused, form, heading};
use crate::harness::{EMAIL, PASSWORD, TestServer, link_token};

const REFRESH: &str = "__Host-wardgate-refresh";
const CSRF: &str = "__Host-wardgate-csrf";

async fn mailed() -> (TestServer, String) {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    assert_eq!(server.post("/v1/login/email-code", &json!({ "email": EMAIL })).await.status, 202);
    let token = link_token(&server.newest_mail(EMAIL).await);
    (server, token)
}

#[tokio::test]
async fn sec_ot_02_sec_ot_05_sec_se_06_the_mailed_links_button_signs_this_browser_in_once() {
    let (server, token) = mailed().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "sign-in", &token).await;
    assert!(!browser.cookies.contains_key(REFRESH));
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    let cookie = done.header("set-cookie");
    assert!(cookie.starts_with(REFRESH) && cookie.contains("HttpOnly; SameSite=Strict; Secure; Path=/"), "{cookie}");
    assert!(!done.text.contains("rt_") && !done.text.contains("eyJ"), "a token is in the page: {}", done.text);
    let refresh = server.request(Method::POST, "/v1/token/refresh").header("origin", &server.base).json(&json!({}));
    let refreshed = browser.send(refresh, &server).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let me = server.as_bearer(Method::GET, "/v1/me", &refreshed.string("access_token")).await;
    assert_eq!(me.string("email"), EMAIL);
    assert_dead(&Browser::default().follow(&server, "sign-in", &token, &[]).await);
}

#[tokio::test]
async fn sec_se_06_without_the_csrf_token_of_this_browser_nothing_happens() {
    let (server, token) = mailed().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "sign-in", &token).await;
    let sent = |csrf: Option<String>| {
        let mut fields = vec![("token", token.clone())];
        fields.extend(csrf.map(|csrf| ("csrf", csrf)));
        server.request(Method::POST, "/ui/sign-in").header("origin", &server.base).form(&fields)
    };
    let right = browser.cookies[CSRF].clone();
    let other = Browser::default().open_link(&server, "sign-in", &token).await;
    let of_another_browser = form(&other).hidden.into_iter().find(|(name, _)| name == "csrf").unwrap().1;
    for wrong in [None, Some(String::new()), Some(of_another_browser), Some(format!("{right}A"))] {
        assert_refused(&browser.send(sent(wrong), &server).await);
    }
    // The right one, in a browser that has no cookie.
    assert_refused(&Browser::default().send(sent(Some(right)), &server).await);
    assert_eq!(heading(&browser.press(&server, &shown, &[]).await), "You are signed in", "a refusal used the link up");
}

#[tokio::test]
async fn sec_se_06_only_our_own_origin_may_post() {
    let allowed = [("AUTH__HTTP__ALLOWED_ORIGINS", r#"["https://app.example.com"]"#)];
    let server = TestServer::with(&allowed).await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    server.post("/v1/login/email-code", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "sign-in", &token).await;
    for origin in [None, Some("null"), Some("https://evil.example"), Some("https://app.example.com"), Some("")] {
        let answer = browser.submit(&server, &shown, &[], origin).await;
        assert_refused(&answer);
        assert_eq!(answer.header("set-cookie"), "", "{origin:?}");
    }
    assert_eq!(heading(&browser.press(&server, &shown, &[]).await), "You are signed in");
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_an_expired_link_signs_nobody_in() {
    let (server, token) = mailed().await;
    server.clock.advance(600);
    let mut browser = Browser::default();
    assert_dead(&browser.follow(&server, "sign-in", &token, &[]).await);
    assert!(!browser.cookies.contains_key(REFRESH));
}
