//! `/ui/account`

use reqwest::Method;

use crate::harness::applications::{
    CHALLENGE, SESSION, ask_for_tokens, authorize, code_of, exchange, refresh, register_applications, sent,
    with_applications,
};
use crate::harness::pages::{Browser, Form, forms, heading};
use crate::harness::{Answer, EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    register_applications(&observer.server).await;
    observer.server.register(EMAIL, PASSWORD).await;
    observer.server.verify_directly(EMAIL).await;
    let mut browser = Browser::default();
    let code = code_of(&observer.server, &mut browser, &[]).await;
    ask_for_tokens(&observer.server, &exchange(&code, &[])).await;
    observer.server.login(EMAIL, PASSWORD).await;
    let own = observer.server.base.clone();
    let mut shown = Answer::default();
    observer.see("page-account", async |it| shown = browser.open(it, "/ui/account").await).await;
    observer.see("page-account", async |it| expect(browser.open(it, "/ui/account/delete").await.status, 200)).await;
    let others = forms(&shown).into_iter().find(|form| form.names.contains(&"session".to_owned())).unwrap();
    let one = others.values[0].clone();
    for (path, member, value, status) in [
        ("profile", "name", "Ada L.", 303),
        ("sessions", "session", one.as_str(), 303),
        ("sessions", "others", "yes", 303),
        ("apps", "application", "shop", 303),
        ("export", "name", "", 200),
        ("delete", "name", "", 200),
    ] {
        observer.server.step();
        let form = Form { action: format!("/ui/account/{path}"), ..others.clone() };
        observer
            .see("page-account", async |it| {
                let answer = browser.submit_form(it, &form, &[(member, value)], Some(&own)).await;
                expect(answer.status, status);
            })
            .await;
    }
}

/// A browser whose person is signed in, and the page.
async fn account(server: &TestServer) -> (Browser, Answer) {
    let mut browser = Browser::default();
    let shown = browser.open(server, "/ui/account").await;
    assert!(shown.status == 303 && shown.header("location").starts_with("/ui/login?request="), "{}", shown.text);
    let login = browser.open(server, shown.header("location")).await;
    let pressed = browser.press(server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!((pressed.status, pressed.header("location")), (303, "/ui/account"), "{}", pressed.text);
    server.step();
    let shown = browser.open(server, "/ui/account").await;
    assert_eq!((shown.status, heading(&shown)), (200, "Your account"), "{}", shown.text);
    (browser, shown)
}

/// Presses the button of the form that posts there, with this member.
async fn press(
    server: &TestServer,
    browser: &mut Browser,
    shown: &Answer,
    action: &str,
    typed: (&str, &str),
) -> Answer {
    let found = forms(shown).into_iter().find(|form| form.action == action);
    let form = found.unwrap_or_else(|| panic!("no form posts to {action}: {}", shown.text));
    let answer = browser.submit_form(server, &form, &[typed], Some(&server.base)).await;
    server.step();
    answer
}

#[tokio::test]
async fn a_person_sees_who_they_are_where_they_are_signed_in_and_what_happened() {
    let server = with_applications().await;
    let (mut browser, shown) = account(&server).await;
    for part in [EMAIL, "this browser", "Signed in", "No application has anything of yours."] {
        assert!(shown.text.contains(part), "{part}: {}", shown.text);
    }
    assert!(!shown.text.contains("Sign out everywhere else"), "{}", shown.text);
    let saved = press(&server, &mut browser, &shown, "/ui/account/profile", ("name", " Ada L. ")).await;
    assert_eq!((saved.status, saved.header("location")), (303, "/ui/account?said=saved"), "{}", saved.text);
    let shown = browser.open(&server, saved.header("location")).await;
    assert!(shown.text.contains("role=\"status\">Saved.") && shown.text.contains("value=\"Ada L.\""), "{}", shown.text);
    let api = server.login(EMAIL, PASSWORD).await;
    let me = server.as_bearer(Method::GET, "/v1/me", &api.string("access_token")).await;
    assert_eq!(me.json()["name"], "Ada L.", "both are one house");
}

#[tokio::test]
async fn sec_se_05_sessions_of_the_api_and_of_pages_are_listed_and_ended_together() {
    let server = with_applications().await;
    let api = [server.login(EMAIL, PASSWORD).await, server.login(EMAIL, PASSWORD).await];
    let (mut browser, shown) = account(&server).await;
    let listed = forms(&shown).into_iter().filter(|form| form.action == "/ui/account/sessions");
    let ids: Vec<String> = listed.flat_map(|form| form.values).filter(|value| value.starts_with("ses_")).collect();
    assert_eq!(ids.len(), 2, "{}", shown.text);
    let first = api.iter().find(|it| it.string("session_id") == ids[0]).unwrap();
    press(&server, &mut browser, &shown, "/ui/account/sessions", ("session", &ids[0])).await;
    let is_alive =
        async |it: &Answer| server.as_bearer(Method::GET, "/v1/me", &it.string("access_token")).await.status == 200;
    assert!(!is_alive(first).await);
    let other = api.iter().find(|it| it.string("session_id") == ids[1]).unwrap();
    assert!(is_alive(other).await);
    // What has ended meanwhile is no fault.
    let again = press(&server, &mut browser, &shown, "/ui/account/sessions", ("session", &ids[0])).await;
    assert_eq!(again.status, 303, "{}", again.text);
    press(&server, &mut browser, &shown, "/ui/account/sessions", ("others", "yes")).await;
    assert!(!is_alive(other).await);
    assert_eq!(browser.open(&server, "/ui/account").await.status, 200, "this one goes on");
}

#[tokio::test]
async fn sec_oc_21_what_an_application_has_is_taken_back_with_its_consent() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let code = code_of(&server, &mut browser, &[]).await;
    let tokens = ask_for_tokens(&server, &exchange(&code, &[])).await;
    server.step();
    let stranger = [
        ("client_id", "stranger"),
        ("redirect_uri", "https://stranger.example/callback"),
        ("code_challenge", CHALLENGE),
    ];
    let asked = browser.open(&server, &authorize(&stranger)).await;
    let asked = browser.open(&server, asked.header("location")).await;
    browser.press(&server, &asked, &[("decision", "allow")]).await;
    server.step();
    let shown = browser.open(&server, "/ui/account").await;
    assert!(shown.text.contains("Shop &amp; Co") && shown.text.contains("Stranger"), "{}", shown.text);
    for client in ["shop", "stranger"] {
        let ended = press(&server, &mut browser, &shown, "/ui/account/apps", ("application", client)).await;
        assert_eq!(ended.status, 303, "{}", ended.text);
    }
    let shown = browser.open(&server, "/ui/account").await;
    assert!(shown.text.contains("No application has anything of yours."), "{}", shown.text);
    assert!(shown.text.contains("Took something back from an application"), "{}", shown.text);
    let again = ask_for_tokens(&server, &refresh(&tokens.string("refresh_token"), &[])).await;
    assert_eq!((again.status, again.string("error").as_str()), (400, "invalid_grant"));
    let silent = browser.open(&server, &authorize(&[stranger[0], stranger[1], ("prompt", "none")])).await;
    assert_eq!(sent(&silent, "error").as_deref(), Some("consent_required"));
    // The person stays signed in.
    assert!(sent(&browser.open(&server, &authorize(&[("prompt", "none")])).await, "code").is_some());
}

/// An application in daily use never asks the browser, whose session idles away meanwhile.
#[tokio::test]
async fn sec_oc_21_an_application_goes_on_and_is_listed_where_its_sign_ins_session_has_idled() {
    let server = with_applications().await;
    let code = code_of(&server, &mut Browser::default(), &[]).await;
    let mut tokens = ask_for_tokens(&server, &exchange(&code, &[])).await;
    for _ in 0..4 {
        server.clock.advance(10 * 24 * 3600);
        tokens = ask_for_tokens(&server, &refresh(&tokens.string("refresh_token"), &[])).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text);
    }
    let (mut browser, shown) = account(&server).await;
    assert!(shown.text.contains("Shop &amp; Co"), "{}", shown.text);
    press(&server, &mut browser, &shown, "/ui/account/apps", ("application", "shop")).await;
    let again = ask_for_tokens(&server, &refresh(&tokens.string("refresh_token"), &[])).await;
    assert_eq!(again.status, 400, "{}", again.text);
}

#[tokio::test]
async fn sec_se_10_what_matters_asks_for_a_new_sign_in_and_leads_back() {
    let server = with_applications().await;
    let (mut browser, shown) = account(&server).await;
    server.clock.advance(3600);
    for page in ["/ui/account/delete", "/ui/account/password", "/ui/account/email"] {
        let led = browser.open(&server, page).await;
        assert!(led.status == 303 && led.header("location").starts_with("/ui/login?request="), "{page}: {}", led.text);
        let login = browser.open(&server, led.header("location")).await;
        server.step();
        if page == "/ui/account/email" {
            let pressed = browser.press(&server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
            assert_eq!((pressed.status, pressed.header("location")), (303, page), "{}", pressed.text);
        }
    }
    server.clock.advance(3600);
    for action in ["/ui/account/export", "/ui/account/delete"] {
        let form = Form { action: action.to_owned(), ..forms(&shown)[0].clone() };
        let led = browser.submit_form(&server, &form, &[], Some(&server.base)).await;
        assert!(
            led.status == 303 && led.header("location").starts_with("/ui/login?request="),
            "{action}: {}",
            led.text
        );
    }
    assert_eq!(browser.open(&server, "/ui/account").await.status, 200);
}

#[tokio::test]
async fn data_is_downloaded_and_an_account_goes_with_a_way_back_by_mail() {
    let server = with_applications().await;
    server.verify_directly(EMAIL).await;
    let (mut browser, shown) = account(&server).await;
    let export = press(&server, &mut browser, &shown, "/ui/account/export", ("name", "")).await;
    assert_eq!((export.status, export.json()["profile"]["email"].as_str()), (200, Some(EMAIL)), "{}", export.text);
    assert_eq!(export.header("content-disposition"), "attachment; filename=\"account.json\"");
    let asked = browser.open(&server, "/ui/account/delete").await;
    assert_eq!(heading(&asked), "Delete your account?");
    let gone = browser.press(&server, &asked, &[]).await;
    assert_eq!((gone.status, heading(&gone)), (200, "Your account is going"), "{}", gone.text);
    assert!(!browser.cookies.contains_key(SESSION));
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);
    assert!(server.newest_mail(EMAIL).await.text.contains("/ui/keep-account?token="));
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_changes_nothing() {
    let server = with_applications().await;
    let (mut browser, shown) = account(&server).await;
    let before = server.items(TABLE, "USER#").await;
    for section in ["profile", "sessions", "apps", "export", "delete"] {
        for origin in [None, Some("null"), Some("https://evil.example")] {
            let form = Form { action: format!("/ui/account/{section}"), ..forms(&shown)[0].clone() };
            let refused = browser.submit_form(&server, &form, &[("others", "yes")], origin).await;
            assert_eq!(refused.status, 403, "{section} {origin:?}: {}", refused.text);
        }
    }
    assert_eq!(server.items(TABLE, "USER#").await, before);
    assert_eq!(browser.open(&server, "/ui/account/nothing").await.status, 404);
}
