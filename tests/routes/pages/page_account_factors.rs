//! `/ui/account/second-factor`

use crate::harness::pages::{Browser, Form, form, forms, heading};
use crate::harness::passkey::Authenticator;
use crate::harness::second_factor::PhoneApp;
use crate::harness::{Answer, EMAIL, PASSWORD, TABLE, TestServer};
use crate::permissions::observer::{Observer, expect};

const PAGE: &str = "/ui/account/second-factor";

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    observer.server.register(EMAIL, PASSWORD).await;
    observer.server.verify_directly(EMAIL).await;
    let mut browser = signed_in(&observer.server).await;
    let own = observer.server.base.clone();
    let mut shown = Answer::default();
    observer.see("page-account-factors", async |it| shown = browser.open(it, PAGE).await).await;
    let code = observer.server.code_of(&app_of(&shown));
    for (typed, status) in [("000000", 400), (code.as_str(), 200)] {
        let typed = [("action", "confirm"), ("code", typed)];
        observer
            .see("page-account-factors", async |it| {
                expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status);
            })
            .await;
    }
    observer.see("page-account-factors", async |it| shown = browser.open(it, PAGE).await).await;
    for (action, status) in [("codes", 200), ("off", 303), ("on", 303), ("remove", 303)] {
        observer
            .see("page-account-factors", async |it| {
                expect(browser.submit(it, &shown, &[("action", action)], Some(&own)).await.status, status);
            })
            .await;
    }
    // A passkey that is made on the page, which is refused once.
    observer.see("page-account-factors", async |it| shown = browser.open(it, PAGE).await).await;
    let made = made(&shown, &mut observer.server.authenticator());
    for (credential, status) in [("{}", 400), (made.as_str(), 200)] {
        let typed = [("action", "add_passkey"), ("credential", credential)];
        observer
            .see("page-account-factors", async |it| {
                expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, status);
            })
            .await;
    }
    observer.see("page-account-factors", async |it| shown = browser.open(it, PAGE).await).await;
    let passkey = forms(&shown).iter().find_map(passkey_of).unwrap();
    let typed = [("action", "remove_passkey"), ("passkey", passkey.as_str())];
    observer
        .see("page-account-factors", async |it| {
            expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, 303);
        })
        .await;
    // Another one, which stands in the password's place.
    let shown = browser.open(&observer.server, PAGE).await;
    add(&observer.server, &mut browser, &shown).await;
    observer
        .see("page-account-factors", async |it| {
            let typed = [("action", "remove_password")];
            expect(browser.submit(it, &shown, &typed, Some(&own)).await.status, 303);
        })
        .await;
}

/// Adds a passkey on the page.
async fn add(server: &TestServer, browser: &mut Browser, shown: &Answer) {
    let credential = made(shown, &mut server.authenticator());
    let added = browser.press(server, shown, &[("action", "add_passkey"), ("credential", &credential)]).await;
    assert_eq!(heading(&added), "Your recovery codes", "{}", added.text);
}

/// The passkey that a form takes away.
fn passkey_of(form: &Form) -> Option<String> {
    form.hidden.iter().find(|(name, _)| name == "passkey").map(|(_, id)| id.clone())
}

/// What the page's script puts into its form.
fn made(shown: &Answer, authenticator: &mut Authenticator) -> String {
    let of = |form: &Form| form.hidden.iter().find(|(name, _)| name == "passkey_options").map(|(_, it)| it.clone());
    let options = forms(shown).iter().find_map(of).unwrap_or_else(|| panic!("no options in {}", shown.text));
    authenticator.create(&serde_json::from_str(&options).unwrap()).to_string()
}

#[tokio::test]
async fn sec_mf_08_a_passkey_is_made_on_the_page_as_the_first_factor() {
    let (server, mut browser) = with_verified_person().await;
    let shown = browser.open(&server, PAGE).await;
    let mut authenticator = server.authenticator();
    let credential = made(&shown, &mut authenticator);
    let typed = [("action", "add_passkey"), ("credential", credential.as_str()), ("name", "My phone")];
    let done = browser.press(&server, &shown, &typed).await;
    assert_eq!((done.status, heading(&done), codes_of(&done).len()), (200, "Your recovery codes", 10), "{}", done.text);
    assert!(server.newest_mail(EMAIL).await.text.contains("A passkey was added"));
    let token = server.first_step().await;
    assert_eq!(server.passkey_step(&token, &mut authenticator).await.status, 200);
    let shown = browser.open(&server, PAGE).await;
    assert!(shown.text.contains("My phone"), "{}", shown.text);
    // Another one brings no codes. What is none is refused, and can be tried again.
    let credential = made(&shown, &mut server.authenticator());
    let more = browser.press(&server, &shown, &[("action", "add_passkey"), ("credential", &credential)]).await;
    assert_eq!(more.status, 303, "{}", more.text);
    let shown = browser.open(&server, PAGE).await;
    let mut foreign = server.authenticator();
    foreign.origin = "https://evil.example".to_owned();
    for credential in ["", "{}", &made(&shown, &mut foreign)] {
        let refused = browser.press(&server, &shown, &[("action", "add_passkey"), ("credential", credential)]).await;
        assert!(refused.text.contains("This passkey does not work here"), "{}", refused.text);
        assert_eq!(refused.status, 400);
        made(&refused, &mut server.authenticator());
    }
}

#[tokio::test]
async fn sec_mf_21_sec_mf_22_a_person_does_without_a_password_and_chooses_a_short_one_again() {
    let (server, mut browser) = with_verified_person().await;
    let shown = browser.open(&server, PAGE).await;
    add(&server, &mut browser, &shown).await;
    let shown = browser.open(&server, PAGE).await;
    assert!(shown.text.contains("<summary>Do without a password</summary>"), "{}", shown.text);
    assert_eq!(browser.press(&server, &shown, &[("action", "remove_password")]).await.status, 303);
    assert_eq!(server.login(EMAIL, PASSWORD).await.status, 401);

    let shown = browser.open(&server, PAGE).await;
    assert!(shown.text.contains("None. A passkey signs you in."), "{}", shown.text);
    for gone in ["Do without a password", "Do not ask when signing in", "Remove the passkey"] {
        assert!(!shown.text.contains(gone), "{gone}: {}", shown.text);
    }
    // Who asks for it all the same reads what is so.
    let refused = browser.press(&server, &shown, &[("action", "off")]).await;
    assert_eq!((refused.status, refused.header("location")), (303, PAGE));

    let shown = browser.open(&server, "/ui/account/email").await;
    assert!(!shown.text.contains("type=\"password\""), "{}", shown.text);
    let asked = browser.press(&server, &shown, &[("email", "ada.l@example.com")]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let shown = browser.open(&server, "/ui/account/password").await;
    assert!(!shown.text.contains("Present password") && shown.text.contains("At least 8 characters"), "{}", shown.text);
    let refused = browser.press(&server, &shown, &[("new_password", "kqzmwrt")]).await;
    assert!(!refused.text.contains("Present password") && refused.text.contains("At least 8"), "{}", refused.text);
    assert_eq!(browser.press(&server, &refused, &[("new_password", "kqzmwrtx")]).await.status, 200);

    let shown = browser.open(&server, PAGE).await;
    assert!(shown.text.contains("Your password is short"), "{}", shown.text);
    assert!(!shown.text.contains("Remove the passkey"), "{}", shown.text);
}

#[tokio::test]
async fn a_person_sees_their_passkeys_and_takes_one_away_without_a_script() {
    let (server, mut browser) = with_verified_person().await;
    let shown = browser.open(&server, PAGE).await;
    let code = server.code_of(&app_of(&shown));
    browser.press(&server, &shown, &[("action", "confirm"), ("code", &code)]).await;
    let shown = browser.open(&server, PAGE).await;
    browser.press(&server, &shown, &[("action", "remove")]).await;
    let passkey = server.with_passkey_of(EMAIL, server.authenticator()).await;
    let shown = browser.open(&server, PAGE).await;
    assert!(shown.text.contains("<dt>Passkey</dt>") && !shown.text.contains("Remove the app"), "{}", shown.text);
    // An app beside it is set up from here, too.
    let app = browser.press(&server, &shown, &[("action", "begin")]).await;
    let code = server.code_of(&app_of(&app));
    let done = browser.press(&server, &app, &[("action", "confirm"), ("code", &code)]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let shown = browser.open(&server, PAGE).await;
    let removed = browser.press(&server, &shown, &[("action", "remove_passkey"), ("passkey", &passkey.id)]).await;
    assert_eq!(removed.status, 303, "{}", removed.text);
    let shown = browser.open(&server, PAGE).await;
    assert!(shown.text.contains("Remove the app") && !shown.text.contains("<dt>Passkey</dt>"), "{}", shown.text);
}

async fn signed_in(server: &TestServer) -> Browser {
    let mut browser = Browser::default();
    let shown = browser.open(server, "/ui/login").await;
    browser.press(server, &shown, &[("email", EMAIL), ("password", PASSWORD)]).await;
    browser
}

/// What a person types into the app by hand.
fn app_of(page: &Answer) -> PhoneApp {
    let secret = page.text.split_once("<code class=\"long\">").unwrap().1.split('<').next().unwrap();
    PhoneApp::typed(&secret.replace(' ', ""))
}

/// Of the page that lists them.
fn codes_of(page: &Answer) -> Vec<String> {
    let list = page.text.split_once("<ol class=\"codes\">").unwrap().1.split("</ol>").next().unwrap();
    list.split("<code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect()
}

async fn with_verified_person() -> (TestServer, Browser) {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    server.verify_directly(EMAIL).await;
    let browser = signed_in(&server).await;
    (server, browser)
}

#[tokio::test]
async fn sec_mf_08_a_person_sets_an_app_up_keeps_the_codes_and_takes_it_away_again() {
    let (server, mut browser) = with_verified_person().await;
    let account = browser.open(&server, "/ui/account").await;
    assert!(account.text.contains("<a href=\"/ui/account/second-factor\">Set it up</a>"), "{}", account.text);
    let shown = browser.open(&server, PAGE).await;
    assert_eq!((shown.status, heading(&shown)), (200, "Second factor"), "{}", shown.text);
    assert!(shown.text.contains("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 "));
    let app = app_of(&shown);
    let wrong = browser.press(&server, &shown, &[("action", "confirm"), ("code", "000000")]).await;
    assert_eq!((wrong.status, wrong.text.contains("The app shows another code")), (400, true), "{}", wrong.text);
    assert_eq!(server.code_of(&app_of(&wrong)), server.code_of(&app), "the picture is the same one");
    let late = server.code_later(&app, 10);
    let skewed = browser.press(&server, &wrong, &[("action", "confirm"), ("code", &late)]).await;
    assert!(skewed.text.contains("let your phone set its clock"), "{}", skewed.text);
    let done = browser.press(&server, &skewed, &[("action", "confirm"), ("code", &server.code_of(&app))]).await;
    assert_eq!((done.status, heading(&done)), (200, "Your recovery codes"), "{}", done.text);
    let codes = codes_of(&done);
    assert_eq!(codes.len(), 10);
    // The session has shown both by now.
    let present = browser.open(&server, PAGE).await;
    assert!(present.status == 200 && present.text.contains("10 are left"), "{}", present.text);
    server.clock.advance(30);
    let token = server.first_step().await;
    assert_eq!(server.second_step(&token, "recovery_code", &codes[0]).await.status, 200);
    let present = browser.open(&server, PAGE).await;
    assert!(present.text.contains("9 are left"), "{}", present.text);
    let anew = browser.press(&server, &present, &[("action", "codes")]).await;
    assert!(codes_of(&anew).len() == 10 && codes_of(&anew)[0] != codes[0]);
    assert_eq!(
        browser.press(&server, &present, &[("action", "off")]).await.header("location"),
        "/ui/account?said=saved"
    );
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
    let off = browser.open(&server, PAGE).await;
    assert_eq!(form(&off).values, ["on", "codes", "remove"]);
    assert_eq!(browser.press(&server, &off, &[("action", "on")]).await.status, 303);
    server.first_step().await;
    assert_eq!(browser.press(&server, &off, &[("action", "remove")]).await.status, 303);
    assert!(!server.items(TABLE, "USER#").await.iter().any(|item| item["sk"].as_s().unwrap().starts_with("FACTOR#")));
    // What is gone cannot be gone twice: the page has what is so.
    let gone = browser.press(&server, &off, &[("action", "remove")]).await;
    assert_eq!((gone.status, gone.header("location")), (303, PAGE));
}

#[tokio::test]
async fn sec_mf_07_who_has_not_just_signed_in_signs_in_first_and_comes_back() {
    let (server, mut browser) = with_verified_person().await;
    let shown = browser.open(&server, PAGE).await;
    server.clock.advance(301);
    for answer in [
        browser.open(&server, PAGE).await,
        browser.press(&server, &shown, &[("action", "confirm"), ("code", "000000")]).await,
        Browser::default().open(&server, PAGE).await,
    ] {
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert!(answer.header("location").starts_with("/ui/login?request="), "{}", answer.header("location"));
    }
    let way = browser.open(&server, PAGE).await;
    let login = browser.open(&server, way.header("location")).await;
    let back = browser.press(&server, &login, &[("email", EMAIL), ("password", PASSWORD)]).await;
    assert_eq!((back.status, back.header("location")), (303, PAGE));
    assert_eq!(browser.open(&server, PAGE).await.status, 200);
    // An enrolment of the session before is too old by then: it begins anew.
    server.clock.advance(300);
    let late = browser.press(&server, &shown, &[("action", "confirm"), ("code", "000000")]).await;
    assert_eq!((late.status, late.header("location")), (303, PAGE));
}

#[tokio::test]
async fn sec_se_06_a_form_from_elsewhere_does_nothing() {
    let (server, mut browser) = with_verified_person().await;
    let shown = browser.open(&server, PAGE).await;
    let code = server.code_of(&app_of(&shown));
    let typed = [("action", "confirm"), ("code", code.as_str())];
    let forged = browser.submit(&server, &shown, &typed, Some("https://evil.example")).await;
    assert_eq!(forged.status, 403, "{}", forged.text);
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "signed_in");
    let unknown = browser.press(&server, &shown, &[("action", "everything")]).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text);
}

#[tokio::test]
async fn sec_mf_08_an_address_that_is_not_verified_gets_no_second_factor() {
    let server = TestServer::start().await;
    server.register(EMAIL, PASSWORD).await;
    let mut browser = signed_in(&server).await;
    let refused = browser.open(&server, PAGE).await;
    assert_eq!((refused.status, heading(&refused)), (409, "Confirm your address first"), "{}", refused.text);
}
