//! `GET /ui/{page}`

use reqwest::Method;
use wardgate::http::page::Action;

use crate::harness::pages::{Browser, assert_dead, form, heading};
use crate::harness::{EMAIL, OTHER_PASSWORD, PASSWORD, TestServer, link_token};

const CSRF: &str = "__Host-wardgate-csrf";
const BROWSER: &str = "__Host-wardgate-browser";

#[tokio::test]
async fn sec_ot_05_each_page_shows_its_form_and_asks_neither_the_table_nor_a_ring() {
    let server = TestServer::start().await;
    server.store.reset();
    std::fs::remove_file(&server.key_file).unwrap();
    let mut headings = std::collections::BTreeSet::new();
    for action in Action::ALL {
        let shown = server.get(&format!("{}?token=a.b-c_d", action.path())).await;
        assert_eq!(shown.status, 200, "{}", shown.text);
        assert_eq!(form(&shown).action, action.path());
        assert!(form(&shown).hidden.contains(&("token".to_owned(), "a.b-c_d".to_owned())));
        headings.insert(heading(&shown).to_owned());
        let head = server.send(server.request(Method::HEAD, &format!("{}?token=a", action.path()))).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
    }
    assert_eq!(headings.len(), Action::ALL.len());
    assert!(server.store.rounds().is_empty());
}

#[tokio::test]
async fn sec_ot_05_scanners_that_open_links_use_nothing_up() {
    let server = TestServer::with(&[("AUTH__ACCOUNTS__REQUIRE_VERIFIED_EMAIL", "true")]).await;
    server.register(EMAIL, PASSWORD).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    for path in [format!("/ui/verify-email?token={token}"), format!("/ui/reset-password?token={token}")] {
        for method in [Method::GET, Method::HEAD, Method::GET] {
            assert_eq!(server.send(server.request(method, &path)).await.status, 200);
        }
    }
    let mut browser = Browser::default();
    let asked = browser.follow(&server, "verify-email", &token, &[]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let done = browser.press(&server, &asked, &[("new_password", OTHER_PASSWORD)]).await;
    assert_eq!(heading(&done), "Your password is saved");
    server.step();
    assert_eq!(server.login(EMAIL, OTHER_PASSWORD).await.status, 200);
}

#[tokio::test]
async fn sec_se_07_a_page_has_the_headers_that_its_safety_rests_on() {
    let server = TestServer::start().await;
    for answer in [server.get("/ui/reset-password?token=a").await, server.get("/ui/reset-password").await] {
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        let policy = answer.header("content-security-policy");
        for directive in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{directive}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        // The one script shows what is typed; it is let through by its hash, and only where there is a password.
        assert_eq!(policy.contains("script-src 'sha256-"), answer.status == 200, "{policy}");
        assert_eq!(policy.matches("script").count(), usize::from(answer.status == 200), "{policy}");
    }
}

#[tokio::test]
async fn sec_se_08_a_link_that_is_not_complete_or_has_two_tokens_is_a_page_that_says_so() {
    let server = TestServer::start().await;
    for query in ["", "?", "?token=", "?tokem=a", "?token=a&token=b"] {
        assert_dead(&server.get(&format!("/ui/sign-in{query}")).await);
    }
}

#[tokio::test]
async fn another_name_is_404_and_another_method_405() {
    let server = TestServer::start().await;
    for path in ["/ui/nothing?token=a", "/ui/..%2Fsign-in?token=a", "/ui/Sign-In?token=a"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.string("code").as_str()), (404, "not_found"), "{path}");
    }
    let answer = server.send(server.request(Method::PUT, "/ui/sign-in")).await;
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").contains("GET") && answer.header("allow").contains("POST"));
}

#[tokio::test]
async fn a_token_that_looks_like_html_stays_text() {
    let server = TestServer::start().await;
    let shown = server.get("/ui/sign-in?token=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(shown.status, 200);
    assert!(!shown.text.contains("<script"), "{}", shown.text);
}

#[tokio::test]
async fn a_page_is_in_the_language_that_the_browser_asks_for() {
    let server = TestServer::start().await;
    let mut german = Browser { language: "de-AT, en;q=0.5", ..Browser::default() };
    let shown = german.open_link(&server, "sign-in", "a").await;
    assert_eq!((shown.header("content-language"), heading(&shown)), ("de", "Anmelden"));
    let shown = german.press(&server, &shown, &[]).await;
    assert_eq!((shown.status, heading(&shown)), (400, "Dieser Link gilt nicht mehr"));
}

#[tokio::test]
async fn sec_se_06_only_pages_whose_post_uses_cookies_set_a_csrf_cookie_and_tabs_share_it() {
    let server = TestServer::start().await;
    for action in Action::ALL {
        let shown = server.get(&format!("{}?token=a", action.path())).await;
        let token = form(&shown).hidden.into_iter().find(|(name, _)| name == "csrf");
        assert_eq!(token.is_some(), action.uses_cookies(), "{action:?}");
        let set: Vec<&str> = shown.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        let csrf = token.map(|(_, token)| format!("{CSRF}={token}; HttpOnly; SameSite=Lax; Secure; Path=/"));
        // Lax: the page comes from a link in a mail, which may be read on another site's page.
        assert_eq!(set.iter().find(|cookie| cookie.starts_with(CSRF)).copied(), csrf.as_deref(), "{action:?}");
        assert_eq!(set.iter().filter(|cookie| cookie.starts_with(BROWSER)).count(), 1, "{action:?}");
    }
    let mut browser = Browser::default();
    let first = browser.open_link(&server, "sign-in", "a").await;
    let second = browser.open_link(&server, "verify-email", "b").await;
    assert_eq!(form(&first).hidden[1], form(&second).hidden[1]);
    // What is none of ours is not put into a form.
    browser.cookies.insert(CSRF.to_owned(), "chosen-by-somebody".to_owned());
    let third = browser.open_link(&server, "sign-in", "a").await;
    assert!(!third.text.contains("chosen-by-somebody"));
}
