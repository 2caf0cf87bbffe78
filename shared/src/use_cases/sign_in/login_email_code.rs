//! Asking for a code to sign in with.
//!
//! The same writes for every address, and nothing is read (EN-04): the order's counters, one after the other, and then its
//! item. The mailer finds out whether there is an account to sign in to. Each code belongs to the flow that asked for it
//! (OT-11), so that others' orders neither end it nor use up its tries.

use std::time::Duration;

use thiserror::Error;

use crate::app::App;
use crate::crypto::sealed_token::{CodeFlowToken, TokenSecret, secret_hash};
use crate::domain::email::Email;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::fault::{Fault, fault_arm};
use crate::use_cases::order_mail::{Order, asking_device, order_by};

/// What every order answers.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeOrdered {
    /// The code of this order's mail works only together with it (OT-11).
    pub flow_token: String,
}

/// Why none was ordered.
#[derive(Debug, Error)]
pub enum CodeOrderError {
    /// Operators have switched signing in by mail off (`switches.email_codes`).
    #[error("signing in by mail is switched off")]
    SwitchedOff,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(CodeOrderError);

/// Whether codes are ordered at all: for whoever asks before anything of an order is looked at.
pub fn admit(app: &App) -> Result<(), CodeOrderError> {
    if app.config.switches.email_codes { Ok(()) } else { Err(CodeOrderError::SwitchedOff) }
}

/// Orders the mail, unless a limit is reached: that is not told. `device_token` is what an earlier sign-in gave the device.
pub async fn login_email_code(
    app: &App,
    context: &RequestContext,
    email: &Email,
    device_token: Option<&str>,
) -> Result<CodeOrdered, CodeOrderError> {
    admit(app)?;
    let now = context.now;
    let (session_ring, login_ring) = futures::try_join!(app.secrets.session_mac(now), app.secrets.login_mac(now))?;
    let mac_key = login_ring.current(now)?;
    let key = email.key();
    let device = asking_device(device_token, &key, &session_ring, context);

    let life = Duration::from_secs(app.config.accounts.email_code_seconds);
    let secret: TokenSecret = app.entropy.bytes()?;
    let item = app.one_time(context, Purpose::EmailCode, key, life)?;
    let item = OneTime { flow_hash: Some(secret_hash(&secret)), ..item };
    let flow_token = CodeFlowToken { one_time_id: item.id, secret }.seal(mac_key);
    let order = Order { kind: MailKind::EmailCode, email: &item.email_key, device };
    order_by(app, context, &order, &item).await?;
    Ok(CodeOrdered { flow_token })
}
