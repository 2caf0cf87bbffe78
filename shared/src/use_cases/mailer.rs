//! Sending the mail that an item is the order for (EN-03, EN-05).
//!
//! May be tried as often as it takes: before the mail goes out, each step finds what the one before has written. A mail
//! is doubled only by a crash between the transport's answer and the mark that it was sent.

mod choose_letter;
mod letter;

use thiserror::Error;

use crate::app::App;
use crate::domain::attempts::WindowLimit;
use crate::domain::mail_order::{MailKind, MailOrder, Ordered};
use crate::domain::timestamp::Timestamp;
use crate::fault::{Fault, fault_arm};
use crate::mail::{Letterhead, RenderError, mime};
use crate::outbound::{MailTransport, OutboundError, OutgoingMail};
use crate::store::error::StoreError;
use crate::store::limits::{Reservation, Scope};
use crate::store::outbox::{Claimed, MailClaim};
use crate::telemetry::metrics::{self, Mail, MailLimit};
use crate::use_cases::mailer::choose_letter::{Budget, Choice, choose};
use crate::use_cases::mailer::letter::letter;

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// The mail went out.
    Sent,
    /// There was nothing to send, or no longer.
    Nothing,
    /// A limit is reached: the mail is silently not sent.
    OverLimit,
    /// Whoever should take it has refused it for good.
    Refused,
}

impl Sending {
    const fn measured(self) -> Mail {
        match self {
            Self::Sent => Mail::Sent,
            Self::Nothing => Mail::Nothing,
            Self::OverLimit => Mail::OverLimit,
            Self::Refused => Mail::Refused,
        }
    }
}

/// Why an order has to be tried again.
#[derive(Debug, Error)]
pub enum SendMailError {
    /// The transport did not take the mail.
    #[error(transparent)]
    Transport(#[from] OutboundError),
    /// The mail cannot be made.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// Another try is at the same order.
    #[error("another try is at the same order")]
    Contended,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(SendMailError);

/// Carries an order out.
pub async fn send_mail(app: &App, transport: &dyn MailTransport, order: &MailOrder) -> Result<Sending, SendMailError> {
    let sending = try_send(app, transport, order).await;
    metrics::mail(sending.as_ref().map_or(Mail::Failed, |sending| sending.measured()));
    if let Ok(Sending::OverLimit) = sending {
        tracing::warn!(id = order.id, "a mail was not sent: a limit is reached");
    }
    sending
}

async fn try_send(app: &App, transport: &dyn MailTransport, order: &MailOrder) -> Result<Sending, SendMailError> {
    let now = app.clock.now();
    let writer = app.writes_now().await?;
    let item = app.store.read_ordered(order).await?.filter(|item| item.is_due(now));
    let Some(item) = item else { return Ok(Sending::Nothing) };
    let is_of_before = |item: &Ordered| {
        writer.as_ref().is_some_and(|writer| item.carries_secret() && item.created_at() <= writer.since)
    };
    let ordered_before = is_of_before(&item);
    let mailing = item.mailing().clone();
    let Some(choice) = choose(app, item, now).await? else { return Ok(Sending::Nothing) };
    // What is asked for now may be of before: the registration that is to be mailed again.
    if ordered_before || is_of_before(&choice.subject) {
        tracing::warn!(id = order.id, "a mail was not sent: what it is of began before this region took over");
        return Ok(Sending::Nothing);
    }

    let ring = app.secrets.mail_mac(now).await?;
    // An item that has a key keeps it: what was mailed with it stays valid.
    let named = choice.subject.mailing().mac_kid.clone();
    let key = match &named {
        Some(kid) => ring.find(kid, now),
        None => Some(ring.current(now)?),
    };
    let Some(key) = key else {
        tracing::warn!(id = order.id, "a mail was not sent: its key is no longer published");
        return Ok(Sending::Nothing);
    };
    let Some(letter) = letter(app, &choice.subject, key, now) else { return Ok(Sending::Nothing) };
    if mailing.mac_kid.is_none() {
        match claim(app, order, &choice, &key.kid, now).await? {
            Claimed::Claimed => {}
            // What was used or erased meanwhile needs no mail; otherwise another try is at it.
            Claimed::Superseded => {
                let item = app.store.read_ordered(order).await?.filter(|item| item.is_due(now));
                return item.map_or(Ok(Sending::Nothing), |_| Err(SendMailError::Contended));
            }
            Claimed::OverLimit => return Ok(Sending::OverLimit),
        }
    }

    let name = choice.name.as_ref().map(|name| name.as_str());
    let service = &app.config.service;
    let letterhead = Letterhead {
        service_name: &service.name,
        url: service.url.as_deref(),
        support: service.support.as_deref(),
        recipient: choice.recipient.display(),
        recipient_name: name,
        at: now,
    };
    let rendered = letter.render(mailing.language, &letterhead)?;
    let sender = &app.config.mail.sender;
    // The same for each try: a mail that was doubled is recognised by it.
    let message_id = format!("{}@{}", order.id, sender.address().domain());
    let message = mime(sender, &choice.recipient, &rendered, now, &message_id)?;
    if let Err(cause) = transport.send(&OutgoingMail { to: choice.recipient, message }).await {
        if cause.is_final {
            tracing::warn!(id = order.id, %cause, "a mail was not sent: it was refused for good");
            return Ok(Sending::Refused);
        }
        return Err(cause.into());
    }
    app.store.mark_sent(order, now).await?;
    Ok(Sending::Sent)
}

/// Makes the mail's link valid, and counts the mail. What its order was to count against it has been counted against
/// when it came ([`crate::use_cases::order_mail`]): the stage is left.
async fn claim(app: &App, order: &MailOrder, choice: &Choice, kid: &str, now: Timestamp) -> Result<Claimed, Fault> {
    let limits = &app.config.limits;
    let address = choice.recipient.key();
    let counter = match &choice.budget {
        // Strangers must not be able to use up the limit of what tells an owner of a takeover.
        Budget::Notice(purpose) => {
            let subject = format!("{}#{}", purpose.name(), address.as_str());
            Some((Scope::NoticeAddress, subject, &limits.notice_address))
        }
        Budget::Registration => {
            let limit = &limits.register_notice;
            // Before the stage's, and so apart from the claim: a crash in between costs a notice of nothing that happened.
            let reserved = app.store.reserve_in_window(Scope::RegisterNotice, address.as_str(), limit, now).await?;
            if let Reservation::Refused { .. } = reserved {
                metrics::mail_refused(MailKind::Notice.name(), MailLimit::Address);
                return Ok(Claimed::OverLimit);
            }
            None
        }
        Budget::Ordered(_) => None,
    };
    if let Some(kind) = choice.budget.of_stage() {
        let reserved = reserve_of_stage(app, kind, now).await?;
        if let Reservation::Refused { .. } = reserved {
            metrics::mail_refused(kind.name(), MailLimit::Stage);
            return Ok(Claimed::OverLimit);
        }
    }
    let redirected = Some(&choice.subject).filter(|_| choice.redirected);
    let claimed =
        app.store.claim_mail(&MailClaim { order, kid, account: choice.account, redirected, counter }, now).await?;
    if claimed == Claimed::OverLimit {
        metrics::mail_refused(MailKind::Notice.name(), MailLimit::Address);
    }
    Ok(claimed)
}

/// Apart from the claim's transaction, in which everybody would conflict with everybody. The last part of the stage's
/// budget is for resets alone (EN-02).
async fn reserve_of_stage(app: &App, kind: MailKind, now: Timestamp) -> Result<Reservation, StoreError> {
    let limits = &app.config.limits;
    let kept = if kind == MailKind::Reset { 0 } else { limits.mail_all_kept_for_resets };
    let limit = WindowLimit { limit: limits.mail_all.limit.saturating_sub(kept), ..limits.mail_all };
    app.store.reserve_in_window(Scope::MailAll, "all", &limit, now).await
}
