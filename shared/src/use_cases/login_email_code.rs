//! Asking for a code to sign in with.
//!
//! One write, the same for every address, and nothing is read (EN-04): the mailer finds out whether there is an account
//! to sign in to. It takes the place of the code before (OT-11).

use std::time::Duration;

use crate::app::{App, RequestContext};
use crate::domain::email::Email;
use crate::domain::one_time::Purpose;
use crate::use_cases::fault::Fault;

/// Orders the mail.
pub async fn login_email_code(app: &App, context: &RequestContext, email: &Email) -> Result<(), Fault> {
    let life = Duration::from_secs(app.config.accounts.email_code_seconds);
    let item = app.one_time(context, Purpose::EmailCode, email.key(), life)?;
    Ok(app.store.add_one_time(&item).await?)
}
