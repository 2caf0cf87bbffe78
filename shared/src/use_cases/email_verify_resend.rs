//! Asking for the verification mail again.
//!
//! The same writes for every address, and nothing is read (EN-04): the order's counters, one after the other, and then its
//! item. The mailer finds out whether a registration waits.

use std::time::Duration;

use crate::app::{App, RequestContext};
use crate::domain::email::Email;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::Purpose;
use crate::store::limits::Reservation;
use crate::use_cases::fault::Fault;
use crate::use_cases::order_mail::{Order, reserve_order};

/// Orders the mail, unless a limit is reached: that is not told.
pub async fn email_verify_resend(app: &App, context: &RequestContext, email: &Email) -> Result<(), Fault> {
    let key = email.key();
    let order = Order { kind: MailKind::Resend, email: &key, device: None };
    if let Reservation::Refused { .. } = reserve_order(app, context, &order).await? {
        return Ok(());
    }
    let life = Duration::from_secs(app.config.accounts.verification_seconds);
    let item = app.one_time(context, Purpose::Resend, key, life)?;
    Ok(app.store.add_one_time(&item).await?)
}
