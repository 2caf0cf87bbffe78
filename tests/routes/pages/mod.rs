//! A file for each endpoint of the area `pages`.

use crate::harness::pages::{Browser, assert_dead, heading};
use crate::harness::{EMAIL, TestServer};
use crate::permissions::Drive;
use crate::permissions::observer::{Observer, expect};

mod page_account;
mod page_account_credentials;
mod page_account_factors;
mod page_confirm_email_change;
mod page_consent;
mod page_forgot;
mod page_keep_account;
mod page_keep_factors;
mod page_login;
mod page_login_code;
mod page_passkey;
mod page_register;
mod page_remove_factors;
mod page_reset_password;
mod page_second_factor;
mod page_show;
mod page_sign_in;
mod page_sign_out;
mod page_undo_email_change;
mod page_undo_factor;
mod page_verify_email;

/// What drives its endpoint's branches by itself.
pub const DRIVES: &[Drive] = &[
    |observer| Box::pin(page_account::drive(observer)),
    |observer| Box::pin(page_account_credentials::drive(observer)),
    |observer| Box::pin(page_account_factors::drive(observer)),
    |observer| Box::pin(page_consent::drive(observer)),
    |observer| Box::pin(page_forgot::drive(observer)),
    |observer| Box::pin(page_keep_factors::drive(observer)),
    |observer| Box::pin(page_login::drive(observer)),
    |observer| Box::pin(page_login_code::drive(observer)),
    |observer| Box::pin(page_passkey::drive(observer)),
    |observer| Box::pin(page_register::drive(observer)),
    |observer| Box::pin(page_remove_factors::drive(observer)),
    |observer| Box::pin(page_second_factor::drive(observer)),
    |observer| Box::pin(page_second_factor::drive_passkey(observer)),
    |observer| Box::pin(page_undo_factor::drive(observer)),
];

/// Presses the button of a mailed link's page, again in the same browser, and in another.
async fn drive_link(observer: &mut Observer, endpoint: &'static str, page: &str, token: &str) {
    let mut browser = Browser::default();
    let shown = browser.open_link(&observer.server, page, token).await;
    let own = observer.server.base.clone();
    observer
        .see(endpoint, async |it| {
            expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 200);
            expect(browser.submit(it, &shown, &[], Some(&own)).await.status, 200);
            expect(Browser::default().submit(it, &shown, &[], Some(&own)).await.status, 400);
        })
        .await;
}

/// OT-02: the same browser is told the same again, and no other is.
async fn assert_pressed_twice(server: &TestServer, page: &str, token: &str, says: &str) {
    let mut browser = Browser::default();
    let shown = browser.open_link(server, page, token).await;
    for _ in 0..2 {
        let done = browser.press(server, &shown, &[]).await;
        assert_eq!((done.status, heading(&done)), (200, says), "{}", done.text);
        assert!(done.text.contains(EMAIL));
    }
    assert_dead(&Browser::default().press(server, &shown, &[]).await);
}
