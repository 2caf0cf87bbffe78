//! Asking for a new password.
//!
//! One write, the same for every address, and nothing is read (EN-04): the mailer finds out whether there is an account
//! to reset. Every mailed link works until it expires, so that nobody can take another's away by asking again.

use std::time::Duration;

use crate::app::{App, RequestContext};
use crate::domain::email::Email;
use crate::domain::one_time::Purpose;
use crate::use_cases::fault::Fault;

/// Orders the mail.
pub async fn password_forgot(app: &App, context: &RequestContext, email: &Email) -> Result<(), Fault> {
    let life = Duration::from_secs(app.config.accounts.reset_seconds);
    let item = app.one_time(context, Purpose::PasswordReset, email.key(), life)?;
    Ok(app.store.add_one_time(&item).await?)
}
