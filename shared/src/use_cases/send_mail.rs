//! Sending the mail that an item is the order for (EN-03, EN-05).
//!
//! May be tried as often as it takes: before the mail goes out, each step finds what the one before has written. A mail
//! is doubled only by a crash between the transport's answer and the mark that it was sent.

use thiserror::Error;

use crate::app::App;
use crate::domain::mail_order::{MailOrder, Ordered};
use crate::domain::one_time::Purpose;
use crate::domain::timestamp::Timestamp;
use crate::mail::{Letterhead, RenderError, mime};
use crate::outbound::{MailTransport, OutboundError, OutgoingMail};
use crate::store::limits::{Reservation, Scope};
use crate::store::outbox::{Claimed, MailClaim};
use crate::telemetry::metrics::{self, Mail};
use crate::use_cases::choose_letter::{Choice, choose, letter};
use crate::use_cases::fault::{Fault, fault_arm};

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// The mail went out.
    Sent,
    /// There was nothing to send, or no longer.
    Nothing,
    /// A limit is reached: the mail is silently not sent.
    OverLimit,
}

impl Sending {
    const fn measured(self) -> Mail {
        match self {
            Self::Sent => Mail::Sent,
            Self::Nothing => Mail::Nothing,
            Self::OverLimit => Mail::OverLimit,
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
    let item = app.store.read_ordered(order).await?.filter(|item| item.is_due(now));
    let Some(item) = item else { return Ok(Sending::Nothing) };
    let mailing = item.mailing().clone();
    let Some(choice) = choose(app, item, now).await? else { return Ok(Sending::Nothing) };

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
        match count(app, order, &choice, &mailing.source, &key.kid, now).await? {
            Claimed::Counted => {}
            Claimed::Superseded => return Err(SendMailError::Contended),
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
    let domain = sender.trim_end_matches('>').rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    // The same for each try: a mail that was doubled is recognised by it.
    let message_id = format!("{}@{domain}", order.id);
    let message = mime(sender, &choice.recipient, &rendered, now, &message_id)?;
    transport.send(&OutgoingMail { to: choice.recipient, message }).await?;
    app.store.mark_sent(order, now).await?;
    Ok(Sending::Sent)
}

/// Counts the mail, once, and makes its link valid.
async fn count(
    app: &App,
    order: &MailOrder,
    choice: &Choice,
    source: &str,
    kid: &str,
    now: Timestamp,
) -> Result<Claimed, Fault> {
    let limits = &app.config.limits;
    let address = choice.recipient.key();
    let counters = if let Some(purpose) = notice(&choice.subject) {
        // Strangers must not be able to use up the limit of what tells an owner of a takeover.
        vec![(Scope::MailAddress, format!("{}#{}", purpose.name(), address.as_str()), &limits.mail_address)]
    } else {
        // Apart from the transaction, in which everybody would conflict with everybody.
        let all = app.store.reserve_in_window(Scope::MailAll, "all", &limits.mail_all, now).await?;
        if let Reservation::Refused { .. } = all {
            return Ok(Claimed::OverLimit);
        }
        vec![
            (Scope::MailAddress, address.as_str().to_owned(), &limits.mail_address),
            (Scope::MailSource, source.to_owned(), &limits.mail_source),
        ]
    };
    let registration = match &choice.subject {
        Ordered::Registration(registration) if choice.redirected => Some(registration),
        _ => None,
    };
    let claim = MailClaim { order, kid, account: choice.account, registration, counters };
    Ok(app.store.claim_mail(&claim, now).await?)
}

/// The purpose of a mail that only the account's own use brings about.
fn notice(subject: &Ordered) -> Option<Purpose> {
    match subject {
        Ordered::OneTime(item) => Some(item.purpose).filter(|purpose| {
            matches!(purpose, Purpose::EmailUndo | Purpose::KeepAccount | Purpose::PasswordChanged | Purpose::NewDevice)
        }),
        Ordered::Registration(_) => None,
    }
}
