//! `POST /ui/sign-out`

use crate::harness::applications::{SESSION, authorize, sent, with_applications};
use crate::harness::pages::{Browser, heading};
use crate::harness::{EMAIL, PASSWORD};

#[tokio::test]
async fn a_person_signs_this_browser_out_without_an_application() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    server.step();
    let shown = browser.open(&server, "/ui/sign-out").await;
    let done = browser.press(&server, &shown, &[]).await;
    assert_eq!((done.status, heading(&done)), (200, "You are signed out"), "{}", done.text);
    assert!(!browser.cookies.contains_key(SESSION));
    let back = browser.open(&server, &authorize(&[("prompt", "none")])).await;
    assert_eq!(sent(&back, "error").as_deref(), Some("login_required"));
    // Nobody is signed in, and that is no fault.
    assert_eq!(browser.press(&server, &shown, &[]).await.status, 200);
}

#[tokio::test]
async fn sec_se_06_a_form_of_somebody_elses_signs_nobody_out() {
    let server = with_applications().await;
    let mut browser = Browser::default();
    let asked = browser.open(&server, &authorize(&[])).await;
    browser.sign_in(&server, &asked, EMAIL, PASSWORD).await;
    server.step();
    let shown = browser.open(&server, "/ui/sign-out").await;
    for origin in [None, Some("null"), Some("https://evil.example")] {
        let refused = browser.submit(&server, &shown, &[], origin).await;
        assert_eq!((refused.status, heading(&refused)), (403, "Sign out?"), "{origin:?}");
    }
    assert!(sent(&browser.open(&server, &authorize(&[("prompt", "none")])).await, "code").is_some());
}
