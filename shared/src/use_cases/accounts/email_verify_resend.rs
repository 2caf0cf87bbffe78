//! Asking for the verification mail again.
//!
//! The same writes for every address, and nothing is read (EN-04): the order's counters, one after the other, and then its
//! item. The mailer finds out whether a registration waits. Where several do, it is the one whose flow asks: the code in
//! another's mail would not work there.

use std::time::Duration;

use crate::app::App;
use crate::crypto::sealed_token::FlowToken;
use crate::domain::email::Email;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::order_mail::{Order, order_by};

/// Orders the mail, unless a limit is reached: that is not told. The flow proves nothing, it only chooses.
pub async fn email_verify_resend(
    app: &App,
    context: &RequestContext,
    email: &Email,
    flow: Option<&FlowToken>,
) -> Result<(), Fault> {
    let life = Duration::from_secs(app.config.accounts.verification_seconds);
    let registration_id = flow.map(|flow| flow.registration_id);
    let item = OneTime { registration_id, ..app.one_time(context, Purpose::Resend, email.key(), life)? };
    let order = Order { kind: MailKind::Resend, email: &item.email_key, device: None };
    Ok(order_by(app, context, &order, &item).await?)
}
