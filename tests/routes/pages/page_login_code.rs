//! `POST /ui/login-code`

use crate::harness::applications::{SESSION, authorize, button, register_applications, sent, with_applications};
use crate::harness::pages::{Browser, form, heading};
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer, code, link_token};
use crate::permissions::observer::{Observer, expect};
use reqwest::Method;

const CSRF: &str = "__Host-wardgate-csrf";
const FLOW: &str = "__Host-wardgate-code-flow";
const CONTINUE: &str = "__Host-wardgate-continue";
const OTHER: &str = "grace@example.com";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    for email in [EMAIL, OTHER] {
        observer.server.register(email, PASSWORD).await;
        observer.server.verify_directly(email).await;
    }
    // As many devices as an account may have, and old enough that its owner is told of another.
    for _ in 0..20 {
        observer.server.login(EMAIL, PASSWORD).await;
    }
    observer.server.clock.advance(601);
    let mut browser = Browser::default();
    let own = observer.server.base.clone();
    let asked = browser.open(&observer.server, &authorize(&[])).await;
    let page = asked.header("location").replace("/ui/login?", "/ui/login-code?");
    let shown = browser.open(&observer.server, &page).await;
    // Anew, the same person again, another one, and what is refused.
    for email in [EMAIL, EMAIL, OTHER] {
        let mut typing = Answer::default();
        observer
            .see("page-login-code", async |it| {
                typing = browser.submit(it, &shown, &[("email", email)], Some(&own)).await;
                expect(typing.status, 200);
            })
            .await;
        let typed = code(&observer.server.newest_mail(email).await);
        for (code, status) in [("ABCD1234", 400), (typed.as_str(), 303), (typed.as_str(), 400)] {
            let typed = [("email", email), ("code", code)];
            observer
                .see("page-login-code", async |it| {
                    expect(browser.submit(it, &typing, &typed, Some(&own)).await.status, status);
                })
                .await;
        }
        observer.server.step();
    }
    // By the mail's link, which leads on.
    browser.submit(&observer.server, &shown, &[("email", EMAIL)], Some(&own)).await;
    let token = link_token(&observer.server.newest_mail(EMAIL).await);
    let shown = browser.open_link(&observer.server, "sign-in", &token).await;
    observer
        .see("page-sign-in", async |it| expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 200))
        .await;
}

/// The form for an address.
async fn shown_form(server: &TestServer, browser: &mut Browser) -> Answer {
    let asked = browser.open(server, &authorize(&[])).await;
    browser.open(server, &asked.header("location").replace("/ui/login?", "/ui/login-code?")).await
}

async fn with_verified_person() -> TestServer {
    let server = with_applications().await;
    server.verify_directly(EMAIL).await;
    server
}

#[tokio::test]
async fn sec_oc_18_a_mailed_code_signs_in_and_leads_on_to_the_application() {
    let server = with_verified_person().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    let login = browser.open(&server, asked.header("location")).await;
    assert!(login.text.contains("<a href=\"/ui/login-code?request="), "{}", login.text);
    let shown = shown_form(&server, &mut browser).await;
    assert_eq!((shown.status, heading(&shown)), (200, "Sign in to continue to Shop &amp; Co"));
    let typing = browser.press(&server, &shown, &[("email", EMAIL)]).await;
    assert_eq!(typing.status, 200, "{}", typing.text);
    assert!(typing.text.contains(&format!("readonly value=\"{EMAIL}\"")), "{}", typing.text);
    assert!(typing.header("content-security-policy").contains("form-action 'self'"));
    let code = code(&server.newest_mail(EMAIL).await);
    let pressed = browser.press(&server, &typing, &[("email", EMAIL), ("code", &code)]).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    assert!(browser.cookies[SESSION].starts_with("ss_s1.") && !browser.cookies.contains_key(FLOW));
    server.step();
    let back = browser.open(&server, pressed.header("location")).await;
    assert!(sent(&back, "code").is_some(), "{}", back.header("location"));
    // It works once.
    let again = browser.press(&server, &typing, &[("email", EMAIL), ("code", &code)]).await;
    assert_eq!(again.status, 400, "{}", again.text);
    assert!(again.text.contains("This code does not work"), "{}", again.text);
}

#[tokio::test]
async fn sec_oc_18_a_wrong_code_is_typed_again_without_a_new_mail() {
    let server = with_verified_person().await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let typing = browser.press(&server, &shown, &[("email", EMAIL)]).await;
    let code = code(&server.newest_mail(EMAIL).await);
    let typed = [("email", EMAIL), ("code", "0000 0000"), ("remember", "yes")];
    let wrong = browser.press(&server, &typing, &typed).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert!(wrong.text.contains("aria-invalid=\"true\"") && wrong.text.contains(" checked>"), "{}", wrong.text);
    assert_eq!(form(&wrong).hidden, form(&typing).hidden);
    let spaced = format!("{} {}", &code[..4].to_lowercase(), &code[4..]);
    let pressed = browser.press(&server, &wrong, &[("email", EMAIL), ("code", &spaced), ("remember", "yes")]).await;
    assert_eq!(pressed.status, 303, "{}", pressed.text);
    let set: Vec<&str> = pressed.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    assert!(set.iter().any(|it| it.starts_with(SESSION) && it.contains("Max-Age=")), "{set:?}");
}

#[tokio::test]
async fn sec_ot_11_the_code_works_in_the_browser_that_asked_and_in_no_other() {
    let server = with_verified_person().await;
    let (mut own, mut other) = (Browser::default(), Browser::default());
    let shown = shown_form(&server, &mut own).await;
    own.press(&server, &shown, &[("email", EMAIL)]).await;
    let code = code(&server.newest_mail(EMAIL).await);
    let shown = shown_form(&server, &mut other).await;
    let refused = other.press(&server, &shown, &[("email", EMAIL), ("code", &code)]).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    assert!(!other.cookies.contains_key(SESSION));
}

#[tokio::test]
async fn sec_oc_48_sec_en_04_known_and_unknown_addresses_look_alike_and_cost_the_same() {
    let server = with_verified_person().await;
    let mut answers = Vec::new();
    for email in [EMAIL, "nobody@example.com"] {
        let mut browser = Browser::default();
        let shown = shown_form(&server, &mut browser).await;
        server.store.reset();
        let typing = browser.press(&server, &shown, &[("email", email)]).await;
        let wrong = browser.press(&server, &typing, &[("email", email), ("code", "00000000")]).await;
        let csrf = browser.cookies[CSRF].clone();
        let plain = |answer: &Answer| (answer.status, answer.text.replace(email, "").replace(&csrf, ""));
        answers.push((plain(&typing), plain(&wrong), server.store.rounds()));
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn sec_oc_29_the_same_person_keeps_the_session() {
    let server = with_verified_person().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    let before = browser.cookies[SESSION].clone();
    server.step();
    let shown = browser.open(&server, "/ui/login-code").await;
    let typing = browser.press(&server, &shown, &[("email", EMAIL)]).await;
    let code = code(&server.newest_mail(EMAIL).await);
    let done = browser.press(&server, &typing, &[("email", EMAIL), ("code", &code)]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    assert_eq!(browser.cookies[SESSION], before);
}

#[tokio::test]
async fn sec_oc_18_the_mails_link_signs_in_where_the_code_was_asked_for_and_leads_on() {
    let server = with_verified_person().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[("prompt", "login")])).await;
    let page = asked.header("location").replace("/ui/login?", "/ui/login-code?");
    let shown = browser.open(&server, &page).await;
    browser.press(&server, &shown, &[("email", EMAIL)]).await;
    server.step();
    let token = link_token(&server.newest_mail(EMAIL).await);
    let done = browser.follow(&server, "sign-in", &token, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    let (location, words) = button(&done);
    assert_eq!(words, "Continue to Shop &amp; Co");
    server.step();
    // With the moment at which it began: the application wanted a sign-in, and there has been one.
    let back = browser.open(&server, &location).await;
    assert!(sent(&back, "code").is_some(), "{} {location}", back.header("location"));
}

#[tokio::test]
async fn sec_oc_19_many_abandoned_sign_ins_leave_the_cookies_of_one() {
    let server = with_verified_person().await;
    let mut browser = Browser::default();
    for _ in 0..3 {
        let shown = shown_form(&server, &mut browser).await;
        browser.press(&server, &shown, &[("email", EMAIL)]).await;
    }
    let names: Vec<&str> = browser.cookies.keys().map(String::as_str).collect();
    assert_eq!(names, [FLOW, CONTINUE, CSRF]);
    // What a form carries leads nowhere else.
    let csrf = browser.cookies[CSRF].clone();
    let fields = [("request", "aHR0cHM6Ly9ldmlsLmV4YW1wbGUvP2E9Yg"), ("csrf", csrf.as_str()), ("email", EMAIL)];
    let request = server.request(Method::POST, "/ui/login-code").header("origin", &server.base).form(&fields);
    let answer = browser.send(request, &server).await;
    assert_eq!((answer.status, heading(&answer)), (400, "This did not work"), "{}", answer.text);
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_mails_nothing_and_signs_nobody_in() {
    let server = with_verified_person().await;
    let mut browser = Browser::default();
    let shown = shown_form(&server, &mut browser).await;
    let before = server.mails(EMAIL).await.len();
    for origin in [None, Some("null"), Some("https://evil.example")] {
        for typed in [vec![("email", EMAIL)], vec![("email", EMAIL), ("code", "00000000")]] {
            server.store.reset();
            let refused = browser.submit(&server, &shown, &typed, origin).await;
            assert_eq!(refused.status, 403, "{origin:?}: {}", refused.text);
            assert!(server.store.rounds().iter().flatten().all(|it| it == "GetItem"), "{origin:?}");
        }
    }
    assert_eq!(server.mails(EMAIL).await.len(), before);
}

#[tokio::test]
async fn where_codes_are_switched_off_the_page_says_so() {
    let server = TestServer::with(&[("AUTH__SWITCHES__EMAIL_CODES", "false")]).await;
    let mut browser = Browser::default();
    let shown = browser.open(&server, "/ui/login-code").await;
    let refused = browser.press(&server, &shown, &[("email", EMAIL)]).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(refused.text.contains("switched off"), "{}", refused.text);
}
