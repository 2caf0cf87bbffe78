//! Asking for a new password.
//!
//! The same writes for every address, and nothing is read (EN-04): the order's counters, one after the other, and then its
//! item. The mailer finds out whether there is an account to reset. Every mailed link works until it expires, so that
//! nobody can take another's away by asking again.

use std::time::Duration;

use crate::app::App;
use crate::domain::email::Email;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::Purpose;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::order_mail::{Order, asking_device, order_by};

/// Orders the mail, unless a limit is reached: that is not told. `device_token` is what an earlier sign-in gave the device.
pub async fn password_forgot(
    app: &App,
    context: &RequestContext,
    email: &Email,
    device_token: Option<&str>,
) -> Result<(), Fault> {
    let session_ring = app.secrets.session_mac(context.now).await?;
    let key = email.key();
    let device = asking_device(device_token, &key, &session_ring, context);
    let life = Duration::from_secs(app.config.accounts.reset_seconds);
    let item = app.one_time(context, Purpose::PasswordReset, key, life)?;
    let order = Order { kind: MailKind::Reset, email: &item.email_key, device };
    Ok(order_by(app, context, &order, &item).await?)
}
