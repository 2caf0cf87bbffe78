//! `GET` and `POST /oauth2/logout`

use reqwest::Method;

use crate::harness::applications::{
    SESSION, ask_for_tokens, authorize, code_of, exchange, leads_to, register_applications, sent, with_applications,
};
use crate::harness::pages::{Browser, heading};
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

const BYE: &str = "https://shop.example/bye";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    let mut browser = Browser::default();
    let own = observer.server.base.clone();
    for hinted in [false, true] {
        let hint = id_token(&observer.server, &mut browser).await;
        let hint = if hinted { hint } else { String::new() };
        let path = logout(&[("id_token_hint", &hint), ("client_id", "shop"), ("post_logout_redirect_uri", BYE)]);
        let mut asked = Answer::default();
        observer.see("end-session", async |it| asked = browser.open(it, &path).await).await;
        if !hinted {
            let shown = browser.open(&observer.server, asked.header("location")).await;
            observer
                .see("page-sign-out", async |it| expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 303))
                .await;
        }
    }
}

fn logout(more: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("https://auth.example.com/oauth2/logout").unwrap();
    url.query_pairs_mut().extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()));
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// Signs the browser in, and takes the shop's ID token.
async fn id_token(server: &TestServer, browser: &mut Browser) -> String {
    let code = code_of(server, browser, &[]).await;
    let tokens = ask_for_tokens(server, &exchange(&code, &[])).await;
    server.step();
    tokens.string("id_token")
}

async fn is_signed_in(server: &TestServer, browser: &mut Browser) -> bool {
    sent(&browser.open(server, &authorize(&[("prompt", "none")])).await, "code").is_some()
}

#[tokio::test]
async fn sec_oc_40_the_sessions_own_id_token_signs_out_at_once_however_old_it_is() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let hint = id_token(&server, &mut browser).await;
    server.clock.advance(3600 * 24);
    let out = browser
        .open(&server, &logout(&[("id_token_hint", &hint), ("post_logout_redirect_uri", BYE), ("state", "s t&ate")]))
        .await;
    assert_eq!((out.status, out.header("location")), (302, "https://shop.example/bye?state=s+t%26ate"), "{}", out.text);
    assert!(!browser.cookies.contains_key(SESSION));
    assert!(!is_signed_in(&server, &mut browser).await);
    // What is behind a `?` of its own stays there.
    let behind =
        [("client_id", "shop"), ("post_logout_redirect_uri", "https://shop.example/bye?from=us"), ("state", "s")];
    let out = browser.open(&server, &logout(&behind)).await;
    assert_eq!(out.header("location"), "https://shop.example/bye?from=us&state=s");
}

#[tokio::test]
async fn sec_oc_40_anything_less_asks_the_person_on_a_page() {
    let server = with_applications().await;
    let (mut browser, mut other) = (Browser::default(), Browser::default());
    id_token(&server, &mut browser).await;
    let of_another_session = id_token(&server, &mut other).await;
    for hint in ["", of_another_session.as_str()] {
        let path = logout(&[
            ("id_token_hint", hint),
            ("client_id", "shop"),
            ("post_logout_redirect_uri", BYE),
            ("state", "s"),
        ]);
        let asked = browser.open(&server, &path).await;
        assert!(asked.status == 303 && asked.header("location").starts_with("/ui/sign-out?request="), "{}", asked.text);
        let shown = browser.open(&server, asked.header("location")).await;
        assert_eq!(heading(&shown), "Sign out?");
        assert!(shown.text.contains("Shop &amp; Co has asked for it"), "{}", shown.text);
        assert!(is_signed_in(&server, &mut browser).await, "a leaked ID token signed somebody out");
        server.step();
    }
    let path = logout(&[("client_id", "shop"), ("post_logout_redirect_uri", BYE), ("state", "s")]);
    let asked = browser.open(&server, &path).await;
    let shown = browser.open(&server, asked.header("location")).await;
    let pressed = browser.press(&server, &shown, &[]).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    assert!(!browser.cookies.contains_key(SESSION));
    let out = browser.open(&server, pressed.header("location")).await;
    assert_eq!((out.status, leads_to(&out).as_str()), (200, "https://shop.example/bye?state=s"), "{}", out.text);
    assert!(!is_signed_in(&server, &mut browser).await);
    assert!(is_signed_in(&server, &mut other).await, "another browser's session");
}

#[tokio::test]
async fn sec_oc_40_what_is_wrong_is_a_page_and_ends_nothing() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let hint = id_token(&server, &mut browser).await;
    let (head, signature) = hint.rsplit_once('.').unwrap();
    let modified = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    let foreign = "This application is not set up right";
    let unknown = "This application is not known here";
    let none = "This did not work";
    for (given, title) in [
        (vec![("id_token_hint", modified.as_str())], none),
        (vec![("id_token_hint", "x")], none),
        (vec![("id_token_hint", access.as_str())], none),
        (vec![("id_token_hint", &hint), ("client_id", "page")], none),
        (vec![("id_token_hint", &hint), ("state", "a"), ("state", "b")], none),
        (vec![("client_id", "nobody")], unknown),
        (vec![("post_logout_redirect_uri", BYE)], foreign),
        (vec![("client_id", "page"), ("post_logout_redirect_uri", BYE)], foreign),
        (vec![("client_id", "shop"), ("post_logout_redirect_uri", "https://shop.example/bye?a=b")], foreign),
        (vec![("client_id", "shop"), ("post_logout_redirect_uri", "https://shop.example/callback")], foreign),
        (vec![("client_id", "shop"), ("post_logout_redirect_uri", "https://evil.example/bye")], foreign),
    ] {
        let answer = browser.open(&server, &logout(&given)).await;
        assert_eq!((answer.status, heading(&answer)), (400, title), "{given:?}: {}", answer.text);
        assert_eq!(answer.header("location"), "");
    }
    assert!(is_signed_in(&server, &mut browser).await);
}

/// Keys rotate each week, and a session lives for a quarter of a year: an application that asked with the ID token of its sign-in
/// was shown an error.
#[tokio::test]
async fn sec_oc_40_an_id_token_of_a_key_that_has_gone_asks_the_person() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let hint = id_token(&server, &mut browser).await;
    let (header, rest) = hint.split_once('.').unwrap();
    let mut header = crate::harness::applications::jose_header(&format!("{header}.x"));
    header["kid"] = "2025-01-01-0000000000000000".into();
    let old = format!("{}.{rest}", crate::harness::applications::base64url(header.to_string().as_bytes()));
    let path = logout(&[("id_token_hint", &old), ("post_logout_redirect_uri", BYE), ("state", "s")]);
    let asked = browser.open(&server, &path).await;
    assert!(asked.status == 303 && asked.header("location").starts_with("/ui/sign-out?request="), "{}", asked.text);
    assert!(is_signed_in(&server, &mut browser).await);
    server.step();
    let shown = browser.open(&server, asked.header("location")).await;
    let pressed = browser.press(&server, &shown, &[]).await;
    let out = browser.open(&server, pressed.header("location")).await;
    assert_eq!(leads_to(&out), "https://shop.example/bye?state=s", "{}", out.text);
}

#[tokio::test]
async fn without_an_address_a_page_of_ours_is_the_end() {
    let server = with_applications().await;
    let mut browser = Browser { language: "de", ..Browser::default() };
    let hint = id_token(&server, &mut browser).await;
    let out = browser.open(&server, &logout(&[("id_token_hint", &hint)])).await;
    assert_eq!((out.status, heading(&out)), (200, "Sie sind abgemeldet"), "{}", out.text);
    // Whoever is signed out already is told the same, or sent on.
    let out = browser.open(&server, &logout(&[("ui_locales", "en")])).await;
    assert_eq!((out.status, heading(&out)), (200, "You are signed out"), "{}", out.text);
}

#[tokio::test]
async fn sec_oc_27_sec_oc_32_a_form_of_another_site_is_led_to_the_same_request_by_get() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let hint = id_token(&server, &mut browser).await;
    let request = server.request(Method::POST, "/oauth2/logout").header("origin", "https://shop.example");
    let fields = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE)];
    let led = Browser::default().send(request.form(&fields), &server).await;
    assert_eq!((led.status, led.header("set-cookie")), (303, ""), "{}", led.text);
    assert!(is_signed_in(&server, &mut browser).await);
    server.step();
    assert_eq!(browser.open(&server, led.header("location")).await.header("location"), BYE);
}

#[tokio::test]
async fn sec_oc_41_a_session_that_ends_here_ends_for_the_api_and_for_applications() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let code = code_of(&server, &mut browser, &[]).await;
    let tokens = ask_for_tokens(&server, &exchange(&code, &[])).await;
    server.step();
    let out = browser.open(&server, &logout(&[("id_token_hint", &tokens.string("id_token"))])).await;
    assert_eq!(out.status, 200);
    let userinfo = server.as_bearer(Method::GET, "/oauth2/userinfo", &tokens.string("access_token")).await;
    assert_eq!(userinfo.status, 401);
    let again =
        ask_for_tokens(&server, &crate::harness::applications::refresh(&tokens.string("refresh_token"), &[])).await;
    assert_eq!((again.status, again.string("error").as_str()), (400, "invalid_grant"));
    let api = server.login(EMAIL, PASSWORD).await;
    let sessions = server.as_bearer(Method::GET, "/v1/sessions", &api.string("access_token")).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1, "{sessions}");
}
