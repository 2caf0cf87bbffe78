//! `POST /ui/remove-factors`

use serde_json::json;

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{EMAIL, TestServer, link_token};
use crate::permissions::observer::{Observer, expect};

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    let token = mailed(&observer.server).await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&observer.server, "remove-factors", &token).await;
    let own = observer.server.base.clone();
    // Again in the same browser, and in another.
    observer
        .see("page-remove-factors", async |it| {
            expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 200);
            expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 200);
            expect(Browser::default().submit(it, &shown, &[], Some(&own)).await.status, 400);
        })
        .await;
}

/// What the mail's link has.
async fn mailed(server: &TestServer) -> String {
    server.with_second_factor().await;
    let token = server.first_step().await;
    server.post("/v1/login/mfa/lost", &json!({ "mfa_token": token })).await;
    server.clock.advance(3 * 24 * 3600);
    let token = server.first_step().await;
    server.post("/v1/login/mfa/lost", &json!({ "mfa_token": token })).await;
    link_token(&server.newest_mail(EMAIL).await)
}

#[tokio::test]
async fn sec_ot_02_its_button_pressed_twice_says_the_same_to_its_own_browser_alone() {
    let server = TestServer::start().await;
    let token = mailed(&server).await;
    let mut browser = Browser::default();
    let shown = browser.open_link(&server, "remove-factors", &token).await;
    for _ in 0..2 {
        let done = browser.press(&server, &shown, &[]).await;
        assert_eq!((done.status, heading(&done)), (200, "The second factor is gone"), "{}", done.text);
        assert!(done.text.contains(EMAIL));
    }
    assert_dead(&Browser::default().press(&server, &shown, &[]).await);
}
