//! `POST /ui/passkey`.

use crate::harness::applications::{authorize, with_applications};
use crate::harness::pages::{Browser, Form, forms, heading};
use crate::harness::passkey::Authenticator;
use crate::harness::{Answer, EMAIL, PASSWORD, TestServer};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {
    let mut it = observer.server.with_passkey().await;
    observer.server.clock.advance(601);
    let own = observer.server.base.clone();
    let mut browser = Browser::default();
    // Anew, and in the session that there is then.
    for _ in 0..2 {
        let shown = browser.open(&observer.server, "/ui/login").await;
        let credential = signed(&observer.server, &mut it.authenticator).await;
        observer
            .see("page-passkey", async |server| {
                let typed = [("credential", credential.as_str())];
                expect(browser.submit_form(server, &own_form(&shown), &typed, Some(&own)).await.status, 200);
            })
            .await;
    }
    // In the place of another's session, and from more devices than an account may have.
    observer.server.register("grace@example.com", PASSWORD).await;
    let shown = browser.open(&observer.server, "/ui/login").await;
    browser.press(&observer.server, &shown, &[("email", "grace@example.com"), ("password", PASSWORD)]).await;
    for round in 0..21 {
        if round > 0 {
            browser = Browser::default();
        }
        observer.server.clock.advance(60);
        let shown = browser.open(&observer.server, "/ui/login").await;
        let credential = signed(&observer.server, &mut it.authenticator).await;
        observer
            .see("page-passkey", async |server| {
                let typed = [("credential", credential.as_str())];
                expect(browser.submit_form(server, &own_form(&shown), &typed, Some(&own)).await.status, 200);
            })
            .await;
    }
}

/// The form of the page's that sends a passkey.
fn own_form(page: &Answer) -> Form {
    let found = forms(page).into_iter().find(|form| form.action == "/ui/passkey");
    found.unwrap_or_else(|| panic!("no form in {}", page.text))
}

async fn signed(server: &TestServer, authenticator: &mut Authenticator) -> String {
    authenticator.get(&server.login_options().await).to_string()
}

#[tokio::test]
async fn sec_mf_14_a_passkey_alone_signs_a_browser_in_and_leads_on_to_the_application() {
    let server = with_applications().await;
    let mut it = server.with_passkey().await;
    let mut browser = Browser::default();
    let shown = browser.open(&server, &authorize(&[])).await;
    let shown = browser.open(&server, shown.header("location")).await;
    let credential = signed(&server, &mut it.authenticator).await;
    let typed = [("credential", credential.as_str())];
    let done = browser.submit_form(&server, &own_form(&shown), &typed, Some(&server.base)).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert!(done.header("location").starts_with("/oauth2/authorize"), "{}", done.header("location"));
    // It is a session like any other, which has shown all that there is.
    let account = browser.open(&server, "/ui/account/second-factor").await;
    assert_eq!((account.status, heading(&account)), (200, "Second factor"), "{}", account.text);
    // Sent once more, it is used.
    let again = browser.submit_form(&server, &own_form(&shown), &typed, Some(&server.base)).await;
    assert_eq!(again.status, 400);
    assert!(again.text.contains("This passkey does not work here"), "{}", again.text);
    own_form(&again);
}

#[tokio::test]
async fn sec_se_06_a_passkey_from_elsewhere_signs_no_browser_in() {
    let server = TestServer::start().await;
    let mut it = server.with_passkey().await;
    let mut browser = Browser::default();
    let shown = browser.open(&server, "/ui/login").await;
    let credential = signed(&server, &mut it.authenticator).await;
    let typed = [("credential", credential.as_str())];
    for origin in [None, Some("https://evil.example")] {
        assert_eq!(browser.submit_form(&server, &own_form(&shown), &typed, origin).await.status, 403);
    }
    for broken in ["", "{}"] {
        let refused =
            browser.submit_form(&server, &own_form(&shown), &[("credential", broken)], Some(&server.base)).await;
        assert_eq!(refused.status, 400, "{}", refused.text);
    }
    let done = browser.submit_form(&server, &own_form(&shown), &typed, Some(&server.base)).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed in"), "{}", done.text);
    assert!(server.as_bearer(reqwest::Method::GET, "/v1/sessions", &it.access()).await.text.contains("current"));
    assert_eq!(server.login(EMAIL, PASSWORD).await.string("status"), "mfa_required");
}
