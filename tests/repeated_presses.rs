//! OT-02 on pages: whoever presses a button twice, or goes back and presses again, sees what the first press did; nobody
//! else does.

use std::future::Future;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::json;

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer, link_token};

const REFRESH: &str = "__Host-wardgate-refresh";
const BROWSER: &str = "__Host-wardgate-browser";
const NEW_EMAIL: &str = "ada.new@example.com";
const VERIFIED: (&str, &str) = ("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true");

/// A page, the token of a mailed link to it, and what is typed there.
struct Mailed {
    server: TestServer,
    page: &'static str,
    token: String,
    typed: Vec<(&'static str, &'static str)>,
}

impl Mailed {
    fn new(server: TestServer, page: &'static str, token: String) -> Self {
        Self { server, page, token, typed: Vec::new() }
    }

    async fn open(&self, browser: &mut Browser) -> Answer {
        browser.open_link(&self.server, self.page, &self.token).await
    }

    async fn press(&self, browser: &mut Browser, shown: &Answer) -> Answer {
        browser.press(&self.server, shown, &self.typed).await
    }
}

async fn registered() -> TestServer {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    server
}

async fn sign_in() -> Mailed {
    let server = registered().await;
    server.post("/v1/login/email-code", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    Mailed::new(server, "sign-in", token)
}

async fn reset() -> Mailed {
    let server = registered().await;
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    Mailed { typed: vec![("new_password", OTHER_PASSWORD)], ..Mailed::new(server, "reset-password", token) }
}

async fn confirm() -> Mailed {
    let server = registered().await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    let change = server.request(Method::POST, "/v1/email/change").bearer_auth(&access);
    let asked = server.send(change.json(&json!({ "new_email": NEW_EMAIL, "password": PASSWORD }))).await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let token = link_token(&server.newest_mail(NEW_EMAIL).await);
    Mailed::new(server, "confirm-email-change", token)
}

async fn undo() -> Mailed {
    let mailed = confirm().await;
    let shown = mailed.open(&mut Browser::default()).await;
    mailed.press(&mut Browser::default(), &shown).await;
    let token = link_token(&mailed.server.newest_mail(EMAIL).await);
    Mailed::new(mailed.server, "undo-email-change", token)
}

async fn keep() -> Mailed {
    let server = registered().await;
    let access = server.login(EMAIL, PASSWORD).await.string("access_token");
    assert_eq!(server.as_bearer(Method::DELETE, "/v1/me", &access).await.status, 202);
    let token = link_token(&server.newest_mail(EMAIL).await);
    Mailed::new(server, "keep-account", token)
}

async fn verify() -> Mailed {
    let server = TestServer::with(&[VERIFIED]).await;
    server.register(EMAIL, PASSWORD).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    Mailed::new(server, "verify-email", token)
}

/// Presses once, again, twice at a time, from elsewhere, and late.
async fn sees_the_same(mailed: impl Future<Output = Mailed>, done: &str) {
    let mailed = mailed.await;
    let (mut browser, mut stranger) = (Browser::default(), Browser::default());
    let (shown, strangers) = (mailed.open(&mut browser).await, mailed.open(&mut stranger).await);
    assert!(browser.cookies.contains_key(BROWSER), "{:?}", browser.cookies);
    let mut twin = Browser { cookies: browser.cookies.clone(), ..Browser::default() };
    let (first, second) = futures::join!(mailed.press(&mut browser, &shown), mailed.press(&mut twin, &shown));
    assert_eq!((first.status, heading(&first)), (200, done), "{}", first.text);
    assert_eq!((second.status, &second.text), (200, &first.text));
    mailed.server.clock.advance(59);
    let third = mailed.press(&mut browser, &shown).await;
    assert_eq!((third.status, &third.text), (200, &first.text));
    // The token alone is not enough.
    assert_dead(&mailed.press(&mut stranger, &strangers).await);
    let mut guessing = Browser { cookies: browser.cookies.clone(), ..Browser::default() };
    guessing.cookies.insert(BROWSER.to_owned(), "A".repeat(22));
    assert_dead(&mailed.press(&mut guessing, &shown).await);
    mailed.server.clock.advance(2);
    assert_dead(&mailed.press(&mut browser, &shown).await);
}

#[tokio::test]
async fn sec_ot_02_sign_in_pressed_twice_says_the_same_to_its_own_browser_alone() {
    sees_the_same(sign_in(), "You are signed in").await;
}

#[tokio::test]
async fn sec_ot_02_reset_password_pressed_twice_says_the_same_to_its_own_browser_alone() {
    sees_the_same(reset(), "Your password is saved").await;
}

#[tokio::test]
async fn sec_ot_02_confirm_email_change_pressed_twice_says_the_same_to_its_own_browser_alone() {
    sees_the_same(confirm(), "Your new address is confirmed").await;
}

#[tokio::test]
async fn sec_ot_02_undo_email_change_pressed_twice_says_the_same_to_its_own_browser_alone() {
    sees_the_same(undo(), "Your former address is back").await;
}

#[tokio::test]
async fn sec_ot_02_keep_account_pressed_twice_says_the_same_to_its_own_browser_alone() {
    sees_the_same(keep(), "Your account stays").await;
}

#[tokio::test]
async fn sec_ot_02_sec_ot_10_verify_email_pressed_twice_elsewhere_asks_for_the_password_again() {
    // The whole page is the same, and so is the token in it.
    sees_the_same(verify(), "Choose a new password").await;
}

#[tokio::test]
async fn sec_ot_10_the_form_for_the_password_that_came_twice_works_once() {
    let mailed = verify().await;
    let mut browser = Browser::default();
    let shown = mailed.open(&mut browser).await;
    mailed.press(&mut browser, &shown).await;
    let asked = mailed.press(&mut browser, &shown).await;
    let done = browser.press(&mailed.server, &asked, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!(heading(&done), "Your password is saved", "{}", done.text);
    // Whoever goes all the way back is not asked for a password that nothing would save.
    let back = mailed.press(&mut browser, &shown).await;
    assert_eq!((back.status, heading(&back)), (200, "Your address is confirmed"), "{}", back.text);
    mailed.server.step();
    assert_eq!(mailed.server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_02_sec_ot_10_verify_email_pressed_twice_where_it_was_registered_is_done_twice() {
    let server = TestServer::with(&[VERIFIED]).await;
    let mut browser = Browser::default();
    let body = json!({ "email": EMAIL, "password": PASSWORD });
    let asked = server.request(Method::POST, "/v1/register").header("origin", &server.base).json(&body);
    assert_eq!(browser.send(asked, &server).await.status, 202);
    let token = link_token(&server.newest_mail(EMAIL).await);
    let mailed = Mailed::new(server, "verify-email", token);
    let shown = mailed.open(&mut browser).await;
    // Before the first answer's cookies are taken in, and after.
    let mut twin = Browser { cookies: browser.cookies.clone(), ..Browser::default() };
    let first = mailed.press(&mut browser, &shown).await;
    for again in [mailed.press(&mut twin, &shown).await, mailed.press(&mut browser, &shown).await] {
        assert_eq!((again.status, heading(&again)), (200, "Your address is confirmed"));
        assert_eq!(again.text, first.text);
    }
    assert_eq!(mailed.server.login(EMAIL, PASSWORD).await.status, 200);
}

/// The sessions of all accounts.
async fn sessions(server: &TestServer) -> Vec<std::collections::HashMap<String, AttributeValue>> {
    let mut items = server.items(TABLE, "USER#").await;
    items.retain(|item| item["sk"].as_s().unwrap().starts_with("SESSION#"));
    items
}

#[tokio::test]
async fn sec_ot_02_two_sign_ins_with_one_link_are_one_session_and_one_cookie() {
    let mailed = sign_in().await;
    let mut browser = Browser::default();
    let shown = mailed.open(&mut browser).await;
    let mut twin = Browser { cookies: browser.cookies.clone(), ..Browser::default() };
    let presses = futures::join!(mailed.press(&mut browser, &shown), mailed.press(&mut twin, &shown));
    assert_eq!((presses.0.status, presses.1.status), (200, 200), "{} {}", presses.0.text, presses.1.text);
    assert!(browser.cookies[REFRESH].starts_with("rt_"));
    assert_eq!(browser.cookies[REFRESH], twin.cookies[REFRESH]);
    assert_eq!(sessions(&mailed.server).await.len(), 1);
    let refresh = |server: &TestServer| {
        server.request(Method::POST, "/v1/token/refresh").header("origin", &server.base).json(&json!({}))
    };
    assert_eq!(browser.send(refresh(&mailed.server), &mailed.server).await.status, 200);
    // A press after the application has refreshed does not take the browser back to a spent token.
    mailed.press(&mut twin, &shown).await;
    assert_eq!(browser.cookies[REFRESH], twin.cookies[REFRESH]);
    mailed.server.clock.advance(20);
    mailed.press(&mut twin, &shown).await;
    assert_eq!(twin.send(refresh(&mailed.server), &mailed.server).await.status, 200);
    assert_eq!(sessions(&mailed.server).await.len(), 1);
}

#[tokio::test]
async fn sec_ot_02_a_second_press_brings_no_ended_session_back() {
    for end in ["sign out", "password"] {
        let mailed = sign_in().await;
        let server = &mailed.server;
        let mut browser = Browser::default();
        let shown = mailed.open(&mut browser).await;
        mailed.press(&mut browser, &shown).await;
        if end == "sign out" {
            let out = server.request(Method::POST, "/v1/logout").header("origin", &server.base).json(&json!({}));
            assert_eq!(browser.send(out, server).await.status, 204);
        } else {
            server.step();
            server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
            let token = link_token(&server.newest_mail(EMAIL).await);
            let typed = [("new_password", OTHER_PASSWORD)];
            let done = Browser::default().follow(server, "reset-password", &token, &typed).await;
            assert_eq!(done.status, 200, "{}", done.text);
        }
        browser.cookies.remove(REFRESH);
        assert_dead(&mailed.press(&mut browser, &shown).await);
        assert!(!browser.cookies.contains_key(REFRESH), "{end}");
    }
}

#[tokio::test]
async fn sec_ot_02_sec_ot_09_neither_the_table_nor_the_cookie_alone_tells_a_sessions_secret() {
    let mailed = sign_in().await;
    let mut browser = Browser::default();
    let shown = mailed.open(&mut browser).await;
    mailed.press(&mut browser, &shown).await;
    let table = format!("{:?}", mailed.server.items(TABLE, "").await);
    let cookie = &browser.cookies[BROWSER];
    assert!(!table.contains(cookie) && !shown.text.contains(cookie));
    // Another link in the same browser leaves another mark: the table does not tell whose browsers are one.
    let marks = |items: &[std::collections::HashMap<String, AttributeValue>]| {
        let marks = items.iter().filter_map(|item| item.get("used_by").map(|mark| mark.as_s().unwrap().clone()));
        marks.collect::<std::collections::BTreeSet<_>>()
    };
    let server = &mailed.server;
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    browser.follow(server, "reset-password", &token, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!(marks(&server.items(TABLE, "").await).len(), 2);
}

#[tokio::test]
async fn sec_ot_02_sec_en_01_a_second_press_with_another_password_saves_and_tells_nothing() {
    let mailed = reset().await;
    let mut browser = Browser::default();
    let shown = mailed.open(&mut browser).await;
    assert_eq!(heading(&mailed.press(&mut browser, &shown).await), "Your password is saved");
    let other = [("new_password", "entirely different words here")];
    for _ in 0..20 {
        assert_dead(&browser.press(&mailed.server, &shown, &other).await);
    }
    // Twenty passwords were compared: the right one is no longer.
    assert_dead(&mailed.press(&mut browser, &shown).await);
    mailed.server.step();
    assert_eq!(mailed.server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_02_programs_get_nothing_twice() {
    let mailed = reset().await;
    let (server, mut browser) = (&mailed.server, Browser::default());
    let shown = mailed.open(&mut browser).await;
    mailed.press(&mut browser, &shown).await;
    let body = json!({ "token": mailed.token, "new_password": OTHER_PASSWORD });
    let request = server.request(Method::POST, "/v1/password/reset").header("origin", &server.base).json(&body);
    assert_eq!(browser.send(request, server).await.status, 400);
    // Nor does a browser whose request another site made.
    for origin in [None, Some("null"), Some("https://evil.example")] {
        assert_dead(&browser.submit(server, &shown, &mailed.typed, origin).await);
    }
}

#[tokio::test]
async fn a_browser_without_cookies_still_gets_its_page_once() {
    let mailed = keep().await;
    let shown = mailed.open(&mut Browser::default()).await;
    assert_eq!(heading(&mailed.press(&mut Browser::default(), &shown).await), "Your account stays");
    assert_dead(&mailed.press(&mut Browser::default(), &shown).await);
}
