//! `POST /ui/login`

use crate::harness::applications::{SESSION, authorize, register_applications, sent, with_applications};
use crate::harness::pages::{Browser, form, heading};
use crate::harness::store_edge::Disturbance;
use crate::harness::{Answer, EMAIL, OTHER_PASSWORD, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};
use reqwest::Method;

const CSRF: &str = "__Host-wardgate-csrf";
const DEVICE: &str = "__Host-wardgate-device";
const OTHER: &str = "grace@example.com";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    observer.server.register(OTHER, PASSWORD).await;
    // As many devices as an account may have, and old enough that its owner is told of another.
    for _ in 0..20 {
        observer.server.login(EMAIL, PASSWORD).await;
    }
    observer.server.clock.advance(601);
    let mut browser = Browser::default();
    let asked = browser.open(&observer.server, &authorize(&[])).await;
    let shown = browser.open(&observer.server, asked.header("location")).await;
    observer
        .see("page-show", async |it| expect(Browser::default().open(it, asked.header("location")).await.status, 200))
        .await;
    let mut tries = vec![(EMAIL, PASSWORD, 303), (EMAIL, PASSWORD, 303), (OTHER, PASSWORD, 303)];
    tries.extend([(EMAIL, OTHER_PASSWORD, 400), ("nobody@example.com", PASSWORD, 400)]);
    let own = observer.server.base.clone();
    for (email, password, status) in tries {
        observer.server.step();
        let typed = [("email", email), ("password", password)];
        observer
            .see("page-login", async |it| expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status))
            .await;
    }
}

async fn shown_login(server: &TestServer, browser: &mut Browser) -> Answer {
    let asked = browser.open(server, &authorize(&[])).await;
    browser.open(server, asked.header("location")).await
}

#[tokio::test]
async fn sec_se_06_the_browser_gets_a_session_and_a_device_and_no_token_of_the_api() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    let pressed = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    assert!(
        pressed.header("location").starts_with("/oauth2/authorize?client_id=shop&"),
        "{}",
        pressed.header("location")
    );
    let set: Vec<&str> = pressed.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    let [session, device] = set.try_into().unwrap();
    assert!(session.starts_with(&format!("{SESSION}=ss_s1.")), "{session}");
    assert!(session.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "until the browser is closed: {session}");
    assert!(device.starts_with(&format!("{DEVICE}=dt_s1.")), "{device}");
    // What is kept when asked for.
    server.step();
    let typed = [("email", EMAIL), ("password", PASSWORD), ("remember", "yes")];
    let pressed = browser.press(&server, &shown, &typed).await;
    let session = pressed.headers.get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
    assert!(session.ends_with("; Path=/; Max-Age=7776000"), "{session}");
}

#[tokio::test]
async fn sec_oc_04_a_browsers_session_is_no_refresh_token_of_the_api() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    let token = &browser.cookies[SESSION];
    for token in [token.clone(), token.replacen("ss_", "rt_", 1)] {
        assert_eq!(server.refresh(&token).await.status, 401, "{token}");
    }
}

#[tokio::test]
async fn sec_oc_18_whoever_is_refused_sees_the_form_again_with_everything_but_the_password() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    let typed = [("email", EMAIL), ("password", OTHER_PASSWORD), ("remember", "yes")];
    let refused = browser.press(&server, &shown, &typed).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(refused.text.contains("The address or the password is wrong"), "{}", refused.text);
    assert!(
        refused.text.contains(&format!("value=\"{EMAIL}\"")) && refused.text.contains(" checked>"),
        "{}",
        refused.text
    );
    assert!(!refused.text.contains(OTHER_PASSWORD) && !browser.cookies.contains_key(SESSION));
    assert_eq!(form(&refused).hidden, form(&shown).hidden);
    assert!(refused.header("content-security-policy").contains("form-action 'self'"));
    server.step();
    let pressed = browser.press(&server, &refused, &[("email", EMAIL), ("password", PASSWORD)]).await;
    server.step();
    let back = browser.open(&server, pressed.header("location")).await;
    assert!(sent(&back, "code").is_some(), "{}", back.header("location"));
}

#[tokio::test]
async fn sec_oc_48_sec_en_04_known_and_unknown_addresses_look_alike_and_cost_the_same() {
    let server = with_applications().await;
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        let mut browser = Browser::default();
        let shown = shown_login(&server, &mut browser).await;
        server.store.reset();
        let refused = browser.press(&server, &shown, &[("email", email), ("password", OTHER_PASSWORD)]).await;
        let csrf = browser.cookies[CSRF].clone();
        answers.push((refused.status, refused.text.replace(email, "").replace(&csrf, ""), server.store.rounds()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn sec_oc_48_sec_en_02_pages_and_api_count_the_same_attempts() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    for attempt in 0..10 {
        server.step();
        let status = if attempt % 2 == 0 {
            server.login(EMAIL, OTHER_PASSWORD).await.status
        } else {
            browser.press(&server, &shown, &[("email", EMAIL), ("password", OTHER_PASSWORD)]).await.status
        };
        assert!([400, 401].contains(&status), "{attempt}: {status}");
    }
    let refused = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(!refused.header("retry-after").is_empty());
    assert!(
        refused.text.contains("too many attempts") && refused.text.contains("name=\"password\""),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_signs_nobody_in_and_is_shown_again() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    let typed = [("email", EMAIL), ("password", PASSWORD)];
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let refused = browser.submit(&server, &shown, &typed, origin).await;
        assert_eq!(refused.status, 403, "{origin:?}: {}", refused.text);
        assert!(!browser.cookies.contains_key(SESSION), "{origin:?}");
    }
    // A browser that has lost its cookie gets it anew, and needs to press once more.
    browser.cookies.clear();
    let refused = browser.press(&server, &shown, &typed).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(browser.press(&server, &refused, &typed).await.status, 303);
}

#[tokio::test]
async fn sec_oc_28_a_request_that_leads_elsewhere_is_not_carried() {
    let server = with_applications().await;
    let elsewhere = "aHR0cHM6Ly9ldmlsLmV4YW1wbGUvP2E9Yg";
    let shown = server.get(&format!("/ui/login?request={elsewhere}")).await;
    assert_eq!((shown.status, heading(&shown)), (400, "This did not work"));
    let mut browser = Browser::default();
    shown_login(&server, &mut browser).await;
    let csrf = browser.cookies[CSRF].clone();
    let fields = [("request", elsewhere), ("csrf", &csrf), ("email", EMAIL), ("password", PASSWORD)];
    let request = server.request(Method::POST, "/ui/login").header("origin", &server.base).form(&fields);
    let answer = browser.send(request, &server).await;
    assert_eq!((answer.status, heading(&answer)), (400, "This did not work"), "{}", answer.text);
    assert!(!browser.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn sec_oc_29_the_same_person_keeps_the_session_and_another_one_ends_it() {
    let server = with_applications().await;
    server.register(OTHER, PASSWORD).await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    let press = async |browser: &mut Browser, email: &str| {
        server.clock.advance(5);
        let pressed = browser.press(&server, &shown, &[("email", email), ("password", PASSWORD)]).await;
        assert_eq!(pressed.status, 303, "{}", pressed.text);
        browser.cookies[SESSION].clone()
    };
    let sessions = async || {
        let items = server.items(TABLE, "USER#").await;
        let mut found: Vec<_> = items
            .iter()
            .filter(|item| item["sk"].as_s().unwrap().starts_with("SESSION#"))
            .map(|item| (item["authenticated_at"].as_n().unwrap().clone(), item.contains_key("revoked_at")))
            .collect();
        found.sort();
        found.into_iter().map(|(_, revoked)| revoked).collect::<Vec<_>>()
    };
    let first = press(&mut browser, EMAIL).await;
    let before = server.items(TABLE, "USER#").await;
    let again = press(&mut browser, EMAIL).await;
    assert_eq!((first == again, sessions().await), (true, vec![false]), "one session, known by the same token");
    let after = server.items(TABLE, "USER#").await;
    assert_ne!(before, after, "when the person signed in last is noted");
    let other = press(&mut browser, OTHER).await;
    assert_ne!(first, other);
    assert_eq!(sessions().await, [true, false]);
    // A session that was ended is not brought back by signing in.
    browser.cookies.insert(SESSION.to_owned(), first.clone());
    assert_ne!(press(&mut browser, EMAIL).await, first);
}

#[tokio::test]
async fn the_browsers_session_is_listed_and_ended_where_all_are() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    server.step();
    let api = server.login(EMAIL, PASSWORD).await;
    let listed = server.as_bearer(Method::GET, "/v1/sessions", &api.string("access_token")).await.json();
    let ids: Vec<&str> = listed["items"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    let [own] = ids.iter().filter(|id| **id != api.string("session_id")).collect::<Vec<_>>().try_into().unwrap();
    let ended = server.as_bearer(Method::DELETE, &format!("/v1/sessions/{own}"), &api.string("access_token")).await;
    assert_eq!(ended.status, 204);
    let asked = browser.open(&server, &authorize(&[])).await;
    assert!(asked.header("location").starts_with("/ui/login?"), "{}", asked.header("location"));
}

#[tokio::test]
async fn without_an_application_the_page_says_that_it_is_done() {
    let server = with_applications().await;
    let mut browser = Browser { language: "de", ..Browser::default() };
    let shown = browser.open(&server, "/ui/login").await;
    assert_eq!((shown.status, heading(&shown)), (200, "Anmelden"));
    let done = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!((done.status, heading(&done)), (200, "Sie sind angemeldet"), "{}", done.text);
    assert!(browser.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn what_the_application_knows_is_filled_in_and_its_name_is_in_the_persons_language() {
    let server = with_applications().await;
    let mut browser = Browser { language: "de", ..Browser::default() };
    let asked = browser.open(&server, &authorize(&[("login_hint", "a\"b@example.com")])).await;
    let shown = browser.open(&server, asked.header("location")).await;
    assert_eq!(heading(&shown), "Anmelden und weiter zu Laden");
    assert!(shown.text.contains("value=\"a&quot;b@example.com\""), "{}", shown.text);
}

#[tokio::test]
async fn what_is_down_leaves_the_form_as_it_was() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    server.store.disturb("UpdateItem", Disturbance::AccessDenied, 1);
    let refused = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert!(
        refused.status >= 500 && refused.text.contains("nothing of what you asked for is lost"),
        "{}",
        refused.text
    );
    assert_eq!(browser.press(&server, &refused, &[("email", EMAIL), ("password", PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn an_address_that_is_none_is_told_apart_from_a_wrong_password() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let shown = shown_login(&server, &mut browser).await;
    server.store.reset();
    let refused = browser.press(&server, &shown, &[("email", "ada"), ("password", PASSWORD)]).await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("This is no email address"), "{}", refused.text);
    let long = "x".repeat(300);
    let refused = browser.press(&server, &shown, &[("email", EMAIL), ("password", &long)]).await;
    assert!(refused.status == 400 && refused.text.contains("The address or the password is wrong"), "{}", refused.text);
    assert!(server.store.rounds().iter().flatten().all(|it| it == "GetItem"), "nothing was counted");
}
