//! `POST /ui/reset-password`

use reqwest::Method;
use serde_json::json;

use crate::harness::pages::{Browser, assert_dead, form, heading};
use crate::harness::store_edge::Disturbance;
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};

async fn forgotten() -> (TestServer, String) {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    assert_eq!(server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await.status, 202);
    let token = link_token(&server.newest_mail(EMAIL).await);
    (server, token)
}

#[tokio::test]
async fn sec_ot_02_sec_ot_05_the_mailed_link_opens_a_form_that_sets_the_password_once() {
    let (server, token) = forgotten().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "reset-password", &token).await;
    assert_eq!(heading(&shown), "Choose a new password");
    let done = browser.press(&server, &shown, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your password is saved"));
    server.step();
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    // OT-06: nobody is signed in by it.
    assert!(!browser.cookies.contains_key("__Host-wardgate-refresh"), "{browser:?}");
    assert_dead(&browser.press(&server, &shown, &[("new_password", PASSWORD)]).await);
}

#[tokio::test]
async fn sec_pw_05_a_weak_password_is_refused_with_its_reason_and_the_link_still_works() {
    let (server, token) = forgotten().await;
    let mut browser = Browser { language: "en", ..Browser::default() };
    let mut shown = browser.open_link(&server, "reset-password", &token).await;
    for (password, reason) in [
        ("tiny", "has 4 characters and needs at least 15"),
        ("1234567890123456", "one of the most common ones"),
        ("ada-example-wardgate", "leans too much on your name"),
        (&"x".repeat(257), "at most 256 characters"),
    ] {
        shown = browser.press(&server, &shown, &[("new_password", password)]).await;
        assert_eq!(shown.status, 400, "{}", shown.text);
        assert!(shown.text.contains("role=\"alert\"") && shown.text.contains(reason), "{}", shown.text);
        assert!(!shown.text.contains(password), "the password is echoed: {}", shown.text);
    }
    let german =
        Browser { language: "de", ..Browser::default() }.press(&server, &shown, &[("new_password", "kurz")]).await;
    assert!(german.text.contains("braucht mindestens 15"), "{}", german.text);
    let done = browser.press(&server, &shown, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your password is saved"));
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_an_expired_or_forged_link_says_so() {
    let (server, token) = forgotten().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "reset-password", &token).await;
    for forged in [format!("{token}A"), token.replace("pr_", "vt_"), "nonsense".to_owned()] {
        assert_dead(&browser.follow(&server, "reset-password", &forged, &[("new_password", OTHER_PASSWORD)]).await);
    }
    server.clock.advance(1800);
    assert_dead(&browser.press(&server, &shown, &[("new_password", OTHER_PASSWORD)]).await);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_se_08_a_form_is_read_strictly_and_what_is_none_is_a_problem() {
    let (server, token) = forgotten().await;
    let post = |content_type: &'static str, body: String| {
        server.request(Method::POST, "/ui/reset-password").header("content-type", content_type).body(body)
    };
    for body in [
        String::new(),
        format!("token={token}"),
        format!("token={token}&token={token}&new_password={OTHER_PASSWORD}"),
        format!("token={token}&new_password={OTHER_PASSWORD}&admin=1"),
    ] {
        assert_dead(&server.send(post("application/x-www-form-urlencoded", body)).await);
    }
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let answer = server.send(post(content_type, format!("token={token}&new_password={OTHER_PASSWORD}"))).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (415, "unsupported_media_type"));
    }
    let huge = server.send(post("application/x-www-form-urlencoded", "x".repeat(64 * 1024 + 1))).await;
    assert_eq!(huge.status, 413);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn while_the_table_is_down_a_page_asks_to_come_back() {
    let (server, token) = forgotten().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "reset-password", &token).await;
    assert_eq!(form(&shown).hidden.len(), 1);
    server.store.disturb("GetItem", Disturbance::ServerError, 100);
    let later = browser.press(&server, &shown, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!((later.status, heading(&later)), (503, "Please try again later"), "{}", later.text);
    assert_eq!(later.header("retry-after"), "1");
}

#[tokio::test]
async fn sec_ot_05_the_account_is_named_only_to_whoever_has_sent_its_token() {
    let (server, token) = forgotten().await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "reset-password", &token).await;
    assert!(!shown.text.contains(EMAIL), "opening the link names the account: {}", shown.text);
    let forged = browser.follow(&server, "reset-password", &format!("{token}A"), &[("new_password", "tiny")]).await;
    assert_dead(&forged);
    assert!(!forged.text.contains(EMAIL), "{}", forged.text);
    let refused = browser.press(&server, &shown, &[("new_password", "tiny")]).await;
    assert!(
        refused.text.contains(&format!("autocomplete=\"username\" readonly value=\"{EMAIL}\"")),
        "{}",
        refused.text
    );
    let done = browser.press(&server, &refused, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!(heading(&done), "Your password is saved");
    assert!(done.text.contains(EMAIL), "{}", done.text);
    let used = Browser::default().press(&server, &refused, &[("new_password", OTHER_PASSWORD)]).await;
    assert_dead(&used);
    assert!(!used.text.contains(EMAIL), "{}", used.text);
}

#[tokio::test]
async fn every_end_leads_back_to_the_application_by_its_name() {
    let named = [("AUTH__SERVICE__NAME", "Blue Harbour"), ("AUTH__SERVICE__URL", "https://app.example.com/start")];
    let server = TestServer::with(&named).await;
    let mut browser = Browser::default();
    let dead = browser.follow(&server, "reset-password", "nonsense", &[("new_password", OTHER_PASSWORD)]).await;
    assert_dead(&dead);
    assert!(dead.text.contains("href=\"https://app.example.com/start\">Continue to Blue Harbour</a>"), "{}", dead.text);
}
