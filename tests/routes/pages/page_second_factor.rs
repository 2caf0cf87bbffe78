//! `POST /ui/second-factor`.

use crate::harness::applications::{
    SESSION, ask_for_tokens, authorize, claims, exchange, give_secret, register_applications, sent, with_applications,
};
use serde_json::{Value, json};

use crate::harness::pages::{Browser, form, heading};
use crate::harness::passkey::Authenticator;
use crate::harness::second_factor::SecondFactor;
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    let SecondFactor { app, recovery_codes, .. } = observer.server.with_second_factor().await;
    observer.server.clock.advance(601);
    let own = observer.server.base.clone();
    let mut browser = Browser::default();
    // A new device, the same again, and what is refused; as many as an account may have, and one more.
    for used in &recovery_codes[..2] {
        let asked = asked(&observer.server, &mut browser).await;
        for (name, code, status) in [("recovery_code", used.as_str(), 200), ("code", "000000", 400)] {
            observer
                .see("page-second-factor", async |it| {
                    expect(browser.submit(it, &asked, &[(name, code)], Some(&own)).await.status, status);
                })
                .await;
        }
    }
    for round in 0..21 {
        observer.server.clock.advance(60);
        let mut other = Browser::default();
        let asked = asked(&observer.server, &mut other).await;
        let wrong =
            other.submit(&observer.server, &asked, &[("code", if round == 0 { "000000" } else { "" })], None).await;
        expect(wrong.status, 403);
        observer
            .see("page-second-factor", async |it| {
                if round == 0 {
                    expect(other.submit(it, &asked, &[("code", "000000")], Some(&own)).await.status, 400);
                }
                expect(other.submit(it, &asked, &[("code", &it.code_of(&app))], Some(&own)).await.status, 200);
            })
            .await;
    }
    // On the way to an application, in a browser that has had another's session; and after a mailed link.
    observer.server.register("grace@example.com", PASSWORD).await;
    observer.server.verify_directly("grace@example.com").await;
    let shown = browser.open(&observer.server, &authorize(&[("prompt", "login")])).await;
    let shown = browser.open(&observer.server, shown.header("location")).await;
    browser.press(&observer.server, &shown, &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
    observer.server.clock.advance(60);
    let asked = browser.press(&observer.server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    observer
        .see("page-second-factor", async |it| {
            expect(browser.submit(it, &asked, &[("code", &it.code_of(&app))], Some(&own)).await.status, 303);
        })
        .await;
    let shown = browser.open(&observer.server, "/ui/login-code").await;
    browser.press(&observer.server, &shown, &[("email", EMAIL)]).await;
    let token = link_token(&observer.server.newest_mail(EMAIL).await);
    let page = browser.open_link(&observer.server, "sign-in", &token).await;
    let mut asked = Answer::default();
    observer.see("page-sign-in", async |it| asked = browser.submit(it, &page, &[], Some(&own)).await).await;
    observer
        .see("page-second-factor", async |it| {
            let typed = [("recovery_code", recovery_codes[5].as_str())];
            expect(browser.submit(it, &asked, &typed, Some(&own)).await.status, 200);
        })
        .await;
    for wait in [0, 60, 3 * 24 * 3600] {
        observer.server.clock.advance(wait);
        let asked = self::asked(&observer.server, &mut browser).await;
        observer
            .see("page-second-factor", async |it| {
                expect(browser.submit(it, &asked, &[("lost", "yes")], Some(&own)).await.status, 200);
            })
            .await;
    }
    let shown = browser.open(&observer.server, "/ui/login-code").await;
    let typing = browser.press(&observer.server, &shown, &[("email", EMAIL)]).await;
    let typed = crate::harness::code(&observer.server.newest_mail(EMAIL).await);
    let typed = [("email", EMAIL), ("code", typed.as_str())];
    observer
        .see("page-login-code", async |it| {
            let asked = browser.submit(it, &typing, &typed, Some(&own)).await;
            expect(asked.status, 200);
        })
        .await;
}

/// With a passkey, which is wrong once.
pub async fn drive_passkey(observer: &mut Observer) {
    let mut passkey = observer.server.with_passkey().await;
    let own = observer.server.base.clone();
    let mut browser = Browser::default();
    let asked = asked(&observer.server, &mut browser).await;
    let credential = signed(&observer.server, &asked, &mut passkey.authenticator).await;
    let mut wrong: Value = serde_json::from_str(&credential).unwrap();
    wrong["response"]["signature"] = json!("AAAA");
    for (credential, status) in [(wrong.to_string(), 400), (credential, 200)] {
        observer
            .see("page-second-factor", async |it| {
                let typed = [("credential", credential.as_str())];
                expect(browser.submit(it, &asked, &typed, Some(&own)).await.status, status);
            })
            .await;
    }
}

/// What the page's script puts into its form.
async fn signed(server: &TestServer, asked: &Answer, authenticator: &mut Authenticator) -> String {
    let hidden = form(asked).hidden;
    let token = &hidden.iter().find(|(name, _)| name == "mfa_token").unwrap().1;
    authenticator.get(&server.second_step_options(token).await).to_string()
}

#[tokio::test]
async fn sec_mf_01_a_page_takes_a_passkey_and_asks_for_no_app_that_there_is_not() {
    let server = TestServer::start().await;
    let mut passkey = server.with_passkey().await;
    let mut browser = Browser::default();
    let shown = asked(&server, &mut browser).await;
    assert!(shown.text.contains("Use a passkey") && !shown.text.contains("name=\"code\""), "{}", shown.text);
    let credential = signed(&server, &shown, &mut passkey.authenticator).await;
    for broken in ["{}", "x", &credential.replace("\"signature\":\"", "\"signature\":\"=")] {
        let refused = browser.press(&server, &shown, &[("credential", broken)]).await;
        assert_eq!(refused.status, 400, "{broken}");
        assert!(refused.text.contains("This passkey does not work here"), "{broken}: {}", refused.text);
        // It can be tried again from there.
        assert!(refused.text.contains("id=\"passkey\""), "{}", refused.text);
    }
    let shown = asked(&server, &mut browser).await;
    let credential = signed(&server, &shown, &mut passkey.authenticator).await;
    let done = browser.press(&server, &shown, &[("credential", &credential)]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    // With an app beside it, either will do.
    let (app, token) = server.enrolment(&passkey.access()).await;
    assert_eq!(server.confirm(&passkey.access(), &token, &server.code_of(&app)).await.status, 200);
    let shown = asked(&server, &mut browser).await;
    assert!(shown.text.contains("Use a passkey") && shown.text.contains("name=\"code\""), "{}", shown.text);
}

/// The form for the second factor, after the password.
async fn asked(server: &TestServer, browser: &mut Browser) -> Answer {
    let shown = browser.open(server, "/ui/login").await;
    browser.press(server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await
}

#[tokio::test]
async fn sec_mf_01_a_page_asks_for_the_second_factor_before_it_leads_on() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    server.clock.advance(60);
    let mut browser = Browser::default();
    let shown = browser.open(&server, "/ui/login").await;
    let typed = [("email", EMAIL), ("password", PASSWORD), ("remember", "yes")];
    let asked = browser.press(&server, &shown, &typed).await;
    assert_eq!((asked.status, heading(&asked)), (200, "Second step"));
    assert!(!browser.cookies.keys().any(|name| name.contains("session")), "{:?}", browser.cookies);
    let wrong = browser.press(&server, &asked, &[("code", "000000")]).await;
    assert_eq!((wrong.status, wrong.text.contains("This code does not work")), (400, true), "{}", wrong.text);
    let done = browser.press(&server, &wrong, &[("code", &server.code_of(&factor.app))]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(browser.cookies.contains_key("__Host-wardgate-session"));
    let again = browser.press(&server, &wrong, &[("code", &server.code_of(&factor.app))]).await;
    assert_eq!((again.status, heading(&again)), (400, "Sign in"), "begins anew");
    assert!(again.text.contains("This took too long"), "{}", again.text);
}

/// With the link of a mail, in the browser that asked for it, and however often the button is pressed.
#[tokio::test]
async fn sec_ot_02_a_mailed_link_asks_for_the_second_factor_at_each_press() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    server.clock.advance(60);
    let mut browser = Browser::default();
    let shown = browser.open(&server, "/ui/login-code").await;
    browser.press(&server, &shown, &[("email", EMAIL)]).await;
    let token = link_token(&server.newest_mail(EMAIL).await);
    let page = browser.open_link(&server, "sign-in", &token).await;
    let before = browser.cookies.clone();
    let asked = browser.press(&server, &page, &[]).await;
    assert_eq!((asked.status, heading(&asked)), (200, "Second step"), "{}", asked.text);
    browser.cookies = before;
    let again = browser.press(&server, &page, &[]).await;
    assert_eq!((again.status, heading(&again)), (200, "Second step"), "{}", again.text);
    let done = browser.press(&server, &again, &[("recovery_code", &factor.recovery_codes[0])]).await;
    assert_eq!(done.status, 200, "{}", done.text);
    // As a mailed link signs in: also for the API in cookie mode.
    for cookie in ["__Host-wardgate-session", "__Host-wardgate-refresh", "__Host-wardgate-device"] {
        assert!(browser.cookies.contains_key(cookie), "{cookie}: {:?}", browser.cookies);
    }
}

/// Who asks applications' people for two factors gets them of whoever has two, and is told of what it got.
#[tokio::test]
async fn sec_mf_07_an_application_that_asks_for_two_factors_gets_what_there_is_and_is_told() {
    let server = with_applications().await;
    give_secret(&server, "shop").await;
    let asks = authorize(&[("acr_values", "urn:wardgate:2fa")]);
    // Of a person with one: one.
    let mut browser = Browser::default();
    let way = browser.open(&server, &asks).await;
    let shown = browser.open(&server, way.header("location")).await;
    let back = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    let back = browser.open(&server, back.header("location")).await;
    assert!(sent(&back, "code").is_some(), "{}", back.header("location"));
    // Who has a second factor that sign-ins do not ask for is asked for it here.
    let factor = server.with_second_factor_of(EMAIL).await;
    server.ask_at_sign_in(false).await;
    server.clock.advance(60);
    let mut browser = Browser::default();
    let plain = browser.open(&server, &authorize(&[])).await;
    let shown = browser.open(&server, plain.header("location")).await;
    assert_eq!(browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await.status, 303);
    let before = browser.cookies[SESSION].clone();
    let way = browser.open(&server, &asks).await;
    assert!(way.header("location").starts_with("/ui/login?"), "one factor is not enough: {}", way.header("location"));
    let silent = browser.open(&server, &authorize(&[("acr_values", "phr urn:wardgate:2fa"), ("prompt", "none")])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("login_required"));
    let either = browser.open(&server, &authorize(&[("acr_values", "urn:wardgate:2fa urn:wardgate:1fa")])).await;
    assert!(sent(&either, "code").is_some());
    let shown = browser.open(&server, way.header("location")).await;
    let asked = browser.press(&server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!(heading(&asked), "Sign in to continue to Shop &amp; Co");
    let back = browser.press(&server, &asked, &[("code", &server.code_of(&factor.app))]).await;
    let back = browser.open(&server, back.header("location")).await;
    let tokens = ask_for_tokens(&server, &exchange(&sent(&back, "code").unwrap(), &[])).await;
    let id_token = claims(&tokens.string("id_token"));
    assert_eq!((&id_token["acr"], id_token["amr"][2].as_str()), (&"urn:wardgate:2fa".into(), Some("mfa")));
    assert_eq!(browser.cookies[SESSION].split('.').count(), before.split('.').count());
}

/// A person's own forms are for who has shown every factor, whatever sign-ins ask for.
#[tokio::test]
async fn sec_mf_07_the_forms_of_ones_account_ask_for_every_factor() {
    let server = TestServer::start().await;
    let factor = server.with_second_factor().await;
    server.ask_at_sign_in(false).await;
    server.clock.advance(60);
    let mut browser = Browser::default();
    let shown = browser.open(&server, "/ui/login").await;
    let typed = [("email", EMAIL), ("password", PASSWORD)];
    assert_eq!(heading(&browser.press(&server, &shown, &typed).await), "You are signed in");
    assert_eq!(browser.open(&server, "/ui/account").await.status, 200);
    for page in ["/ui/account/password", "/ui/account/email", "/ui/account/delete"] {
        let way = browser.open(&server, page).await;
        assert!(way.header("location").starts_with("/ui/login?request="), "{page}: {}", way.text);
        let shown = browser.open(&server, way.header("location")).await;
        let asked = browser.press(&server, &shown, &typed).await;
        assert_eq!((asked.status, heading(&asked)), (200, "Second step"), "{page}");
        if page == "/ui/account/password" {
            let back = browser.press(&server, &asked, &[("code", &server.code_of(&factor.app))]).await;
            assert_eq!((back.status, back.header("location")), (303, page));
            assert_eq!(browser.open(&server, page).await.status, 200);
            // Five minutes, for all of them.
            server.clock.advance(301);
        }
    }
}
