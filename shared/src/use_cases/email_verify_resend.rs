//! Asking for the verification mail again.
//!
//! One write, the same for every address, and nothing is read (EN-04): the mailer finds out whether a registration waits.

use std::time::Duration;

use crate::app::{App, RequestContext};
use crate::domain::email::Email;
use crate::domain::one_time::Purpose;
use crate::use_cases::fault::Fault;

/// Orders the mail.
pub async fn email_verify_resend(app: &App, context: &RequestContext, email: &Email) -> Result<(), Fault> {
    let life = Duration::from_secs(app.config.accounts.verification_seconds);
    let item = app.one_time(context, Purpose::Resend, email.key(), life)?;
    Ok(app.store.add_one_time(&item).await?)
}
