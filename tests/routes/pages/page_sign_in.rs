//! `POST /ui/sign-in`

use reqwest::Method;
use serde_json::json;

use crate::harness::pages::{Browser, assert_dead, assert_refused, form, heading};
use crate::harness::{EMAIL, PASSWORD, TestServer, code, link_token};

const REFRESH: &str = "__Host-wardgate-refresh";
const CSRF: &str = "__Host-wardgate-csrf";

/// The name of the cookie with the flow token of a code.
const FLOW: &str = "__Host-wardgate-code-flow";

/// The token of a mailed link, and the browser that asked for it.
async fn mailed() -> (TestServer, String, Browser) {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    let browser = asking(&server).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    (server, token, browser)
}

/// A browser that asks for a code from a page of a listed origin.
async fn asking(server: &TestServer) -> Browser {
    let mut browser = Browser::default();
    let request = server.request(Method::POST, "/v1/login/email-code").header("origin", &server.base);
    let answer = browser.send(request.json(&json!({ "email": EMAIL })), server).await;
    assert_eq!((answer.status, &answer.string("flow_token")), (202, &browser.cookies[FLOW]));
    browser
}

#[tokio::test]
async fn sec_ot_02_sec_ot_05_sec_se_06_the_mailed_links_button_signs_this_browser_in_once() {
    let (server, token, mut browser) = mailed().await;
    let shown = browser.open_link(&server, "sign-in", &token).await;
    assert!(!browser.cookies.contains_key(REFRESH));
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    let cookie = done.headers.get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
    assert!(cookie.starts_with(REFRESH) && cookie.contains("HttpOnly; SameSite=Strict; Secure; Path=/"), "{cookie}");
    assert!(!done.text.contains("rt_") && !done.text.contains("eyJ"), "a token is in the page: {}", done.text);
    assert!(!browser.cookies.contains_key(FLOW), "the flow is over");
    let refresh = server.request(Method::POST, "/v1/token/refresh").header("origin", &server.base).json(&json!({}));
    let refreshed = browser.send(refresh, &server).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let me = server.as_bearer(Method::GET, "/v1/me", &refreshed.string("access_token")).await;
    assert_eq!(me.string("email"), EMAIL);
    assert_dead(&Browser::default().follow(&server, "sign-in", &token, &[]).await);
}

#[tokio::test]
async fn sec_se_06_without_the_csrf_token_of_this_browser_nothing_happens() {
    let (server, token, mut browser) = mailed().await;
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
    let mut browser = asking(&server).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
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
    let (server, token, mut browser) = mailed().await;
    server.clock.advance(600);
    assert_dead(&browser.follow(&server, "sign-in", &token, &[]).await);
    assert!(!browser.cookies.contains_key(REFRESH));
}

/// A stranger mails his own link, and whoever pressed its button was signed in as him without being told.
#[tokio::test]
async fn sec_ot_06_sec_ot_11_a_foreign_browser_is_shown_the_account_and_types_the_code() {
    let (server, token, _) = mailed().await;
    let code = code(&server.newest_mail(EMAIL).await);
    let mut foreign = Browser::default();
    let shown = foreign.open_link(&server, "sign-in", &token).await;
    let asked = foreign.press(&server, &shown, &[]).await;
    assert_eq!((asked.status, heading(&asked)), (200, "Type the code to sign in"), "{}", asked.text);
    assert!(asked.text.contains(EMAIL) && asked.text.contains("name=\"code\""), "{}", asked.text);
    assert!(!foreign.cookies.contains_key(REFRESH));
    let wrong = foreign.press(&server, &asked, &[("code", "00000000")]).await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text.contains("role=\"alert\"") && wrong.text.contains(EMAIL), "{}", wrong.text);
    let done = foreign.press(&server, &wrong, &[("code", &code)]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    assert!(foreign.cookies.contains_key(REFRESH));
}

#[tokio::test]
async fn sec_ot_11_five_codes_are_tried_beside_a_link() {
    let (server, token, mut browser) = mailed().await;
    let code = code(&server.newest_mail(EMAIL).await);
    let mut foreign = Browser::default();
    let shown = foreign.open_link(&server, "sign-in", &token).await;
    for _ in 0..5 {
        assert_eq!(foreign.press(&server, &shown, &[("code", "00000000")]).await.status, 400);
    }
    assert_dead(&foreign.press(&server, &shown, &[("code", &code)]).await);
    assert!(!foreign.cookies.contains_key(REFRESH));
    // Whoever asked needs no code, and nobody has taken the link from them.
    let shown = browser.open_link(&server, "sign-in", &token).await;
    assert_eq!(heading(&browser.press(&server, &shown, &[]).await), "You are signed in");
}
