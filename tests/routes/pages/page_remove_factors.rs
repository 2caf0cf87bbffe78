//! `POST /ui/remove-factors`

use crate::harness::{EMAIL, TestServer, link_token};
use crate::permissions::observer::Observer;
use crate::routes::pages::{assert_pressed_twice, drive_link};
use crate::routes::sign_in::login_mfa_lost::lost;

/// Every branch that asks something of AWS.
pub async fn drive(observer: &mut Observer) {
    let token = mailed(&observer.server).await;
    drive_link(observer, "page-remove-factors", "remove-factors", &token).await;
    observer.server.step();
    observer.server.with_passkey_of(EMAIL, observer.server.authenticator()).await;
    let token = waited(&observer.server).await;
    drive_link(observer, "page-remove-factors", "remove-factors", &token).await;
}

/// What the mail's link has.
async fn mailed(server: &TestServer) -> String {
    server.with_second_factor().await;
    waited(server).await
}

/// That of who has said it, waited, and said it again.
async fn waited(server: &TestServer) -> String {
    lost(server).await;
    server.clock.advance(3 * 24 * 3600);
    lost(server).await;
    link_token(&server.newest_mail(EMAIL).await)
}

#[tokio::test]
async fn sec_ot_02_its_button_pressed_twice_says_the_same_to_its_own_browser_alone() {
    let server = TestServer::start().await;
    let token = mailed(&server).await;
    assert_pressed_twice(&server, "remove-factors", &token, "The second factor is gone").await;
}
