//! `POST /v1/password/reset`

use serde_json::json;

use crate::harness::pages::Browser;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};

/// A server with a verified account, and the token of a reset link.
async fn asked() -> (TestServer, String) {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    let token = ask(&server).await;
    (server, token)
}

async fn ask(server: &TestServer) -> String {
    server.post("/v1/password/forgot", &json!({ "email": EMAIL })).await;
    link_token(&server.newest_mail(EMAIL).await)
}

async fn reset(server: &TestServer, token: &str, password: &str) -> Answer {
    server.post("/v1/password/reset", &json!({ "token": token, "new_password": password })).await
}

#[track_caller]
fn is_invalid_link(answer: &Answer) {
    assert_eq!((answer.status, answer.string("code").as_str()), (400, "invalid_link"), "{}", answer.text);
}

#[tokio::test]
async fn sec_ot_06_a_mailed_link_sets_the_password_ends_every_session_and_signs_nobody_in() {
    let (server, token) = asked().await;
    let before = server.login(EMAIL, PASSWORD).await;
    let answer = reset(&server, &token, OTHER_PASSWORD).await;
    assert_eq!((answer.status, answer.string("status").as_str()), (200, "password_reset"));
    assert!(answer.string("device_token").starts_with("dt_") && answer.json().as_object().unwrap().len() == 2);
    assert_eq!(answer.header("set-cookie"), "");
    assert_eq!(server.refresh(&before.string("refresh_token")).await.status, 401);
    let me = server.as_bearer(reqwest::Method::GET, "/v1/sessions", &before.string("access_token")).await;
    assert_eq!(me.status, 401);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
    // PW-06: the owner is told.
    let told = server.newest_mail(EMAIL).await;
    assert!(told.subject.contains("password") && !told.text.contains("?token="), "{}", told.text);
}

#[tokio::test]
async fn sec_ot_02_a_token_works_once() {
    let (server, token) = asked().await;
    assert_eq!(reset(&server, &token, OTHER_PASSWORD).await.status, 200);
    is_invalid_link(&reset(&server, &token, PASSWORD).await);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
}

#[tokio::test]
async fn sec_ot_02_of_twenty_parallel_resets_with_one_token_exactly_one_succeeds() {
    let (server, token) = asked().await;
    let passwords: Vec<String> = (0..20).map(|index| format!("{OTHER_PASSWORD} {index}")).collect();
    let resets = passwords.iter().map(|password| reset(&server, &token, password));
    let answers = futures::future::join_all(resets).await;
    let succeeded: Vec<usize> = (0..20).filter(|index| answers[*index].status == 200).collect();
    assert_eq!(succeeded.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    server.clock.advance(1);
    assert_eq!(server.login(EMAIL, &passwords[succeeded[0]]).await.status, 200);
    answers.iter().filter(|answer| answer.status != 200).for_each(is_invalid_link);
}

#[tokio::test]
async fn sec_ot_03_sec_ot_04_a_token_stops_working_after_half_an_hour_though_its_item_is_still_there() {
    let (server, token) = asked().await;
    server.clock.advance(30 * 60);
    is_invalid_link(&reset(&server, &token, OTHER_PASSWORD).await);
    let token = ask(&server).await;
    server.clock.advance(30 * 60 - 1);
    assert_eq!(reset(&server, &token, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_se_04_a_change_of_the_password_ends_the_links_that_are_still_out() {
    let (server, first) = asked().await;
    let second = ask(&server).await;
    // Asking again has taken nothing away.
    assert_eq!(reset(&server, &first, OTHER_PASSWORD).await.status, 200);
    is_invalid_link(&reset(&server, &second, PASSWORD).await);
}

#[tokio::test]
async fn a_refused_password_costs_nothing() {
    let (server, token) = asked().await;
    let answer = reset(&server, &token, "tiny").await;
    assert_eq!((answer.status, answer.fault()), (400, ("new_password".to_owned(), "too_short".to_owned())));
    assert_eq!(reset(&server, &token, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_ot_09_forged_and_damaged_tokens_cost_no_store_request() {
    let (server, token) = asked().await;
    server.store.reset();
    let flipped = if token.ends_with('A') { "B" } else { "A" };
    for forged in ["", "pr_m1.x.y", &token[..token.len() - 1], &format!("{}{flipped}", &token[..token.len() - 1])] {
        is_invalid_link(&reset(&server, forged, OTHER_PASSWORD).await);
    }
    assert_eq!(server.store.count(), 0);
}

#[tokio::test]
async fn sec_ot_01_the_table_holds_no_usable_token() {
    let (server, token) = asked().await;
    let items = format!("{:?}", server.items(crate::harness::TABLE, "").await);
    assert!(token.split('.').skip(1).all(|part| !items.contains(part)));
}

/// Strangers' attempts stay counted; the device that did the reset has a counter of its own.
#[tokio::test]
async fn sec_en_02_a_reset_is_a_way_in_to_an_account_that_strangers_have_locked() {
    let (server, token) = asked().await;
    for _ in 0..11 {
        server.login(EMAIL, OTHER_PASSWORD).await;
    }
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 429);
    let device = reset(&server, &token, OTHER_PASSWORD).await.string("device_token");
    server.clock.advance_millis(1);
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 429, "nothing is cleared");
    let body = json!({ "email": EMAIL, "password": OTHER_PASSWORD, "device_token": device });
    let answer = server.post("/v1/login", &body).await;
    assert_eq!((answer.status, answer.string("device_token")), (200, device));
}

/// A thief who signed in before the reset would have undelayed guesses at the next password (SE-04).
#[tokio::test]
async fn sec_se_04_sec_en_02_a_reset_ends_every_device_that_was_known() {
    let (server, token) = asked().await;
    let thief = server.login(EMAIL, PASSWORD).await.string("device_token");
    reset(&server, &token, OTHER_PASSWORD).await;
    server.clock.advance_millis(1);
    let guess = async |password: &str| {
        server.post("/v1/login", &json!({ "email": EMAIL, "password": password, "device_token": thief })).await
    };
    for _ in 0..10 {
        assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    }
    assert_eq!(guess(PASSWORD).await.status, 429, "counted as from anybody");
}

/// The page's own browser is known, too, and no other site can make it so.
#[tokio::test]
async fn sec_se_06_a_reset_on_its_page_keeps_the_device_in_a_cookie() {
    for own in [true, false] {
        let (server, token) = asked().await;
        let mut browser = Browser::default();
        let shown = browser.open_link(&server, "reset-password", &token).await;
        let origin = if own { server.base.clone() } else { "https://evil.example".to_owned() };
        let typed = [("new_password", OTHER_PASSWORD)];
        assert_eq!(browser.submit(&server, &shown, &typed, Some(&origin)).await.status, 200);
        assert_eq!(browser.cookies.contains_key("__Host-wardgate-device"), own);
        // What happens in one millisecond has no order.
        server.clock.advance(1);
        for _ in 0..10 {
            server.login(EMAIL, PASSWORD).await;
        }
        let login = |origin: &str| {
            let body = json!({ "email": EMAIL, "password": OTHER_PASSWORD, "transport": "cookie" });
            server.request(reqwest::Method::POST, "/v1/login").header("origin", origin).json(&body)
        };
        assert_eq!(browser.send(login("https://evil.example"), &server).await.status, 403);
        assert_eq!(browser.send(login(&server.base), &server).await.status, if own { 200 } else { 429 });
    }
}
