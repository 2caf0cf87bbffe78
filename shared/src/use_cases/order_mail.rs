//! Ordering a mail (EN-03, decision 32): whatever writes an item that a mail leaves from, because somebody who need not be
//! its reader says so, reserves here first, and before anything is looked up.
//!
//! One write after the other, so that what is refused at one step has not touched the next: the source, then the pair of
//! address and source, then the address. All of them count by what was asked alone, so known and unknown addresses cost
//! the same writes (EN-04).

use crate::app::App;
use crate::config::Limits;
use crate::crypto::key_ring::{MacKey, Ring};
use crate::domain::attempts::WindowLimit;
use crate::domain::email::EmailKey;
use crate::domain::id::DeviceId;
use crate::domain::mail_order::MailKind;
use crate::domain::one_time::OneTime;
use crate::domain::origin::Origin;
use crate::domain::request_context::RequestContext;
use crate::store::error::StoreError;
use crate::store::limits::{Reservation, Scope};
use crate::telemetry::metrics::{self, MailLimit};
use crate::use_cases::known_device::presented_device;
use crate::use_cases::reserve::reserve_for_source;

/// Who is to get a mail, and which.
pub(super) struct Order<'a> {
    pub(super) kind: MailKind,
    pub(super) email: &'a EmailKey,
    /// The address's known device that asks, if it is one.
    pub(super) device: Option<DeviceId>,
}

/// The device whose token was sent along. It is opened and not looked up: what the table knows of an address must not show.
pub(super) fn asking_device(
    token: Option<&str>,
    email: &EmailKey,
    ring: &Ring<MacKey>,
    context: &RequestContext,
) -> Option<DeviceId> {
    presented_device(token, email, ring, context).map(|device| device.claim.id)
}

/// Counts an order against whoever asks, and then against the address, unless one of the limits is reached. The request
/// that is refused writes nothing more.
pub(super) async fn reserve_order(
    app: &App,
    context: &RequestContext,
    order: &Order<'_>,
) -> Result<Reservation, StoreError> {
    let (limits, now) = (&app.config.limits, context.now);
    let reserved = reserve_for_source(app, context, Scope::MailSource, &limits.mail_source).await?;
    if let Reservation::Refused { .. } = reserved {
        return Ok(refused(order.kind, MailLimit::Source, reserved));
    }
    if let Some(device) = order.device {
        let subject = format!("{}#{device}", order.kind.name());
        let reserved = app.store.reserve_in_window(Scope::MailDevice, &subject, &limits.mail_device, now).await?;
        // A device over its limit is as good as an unknown one: what a reset needs must not depend on having none.
        if reserved == Reservation::Reserved {
            return Ok(reserved);
        }
    }
    let [pair, address] = counters(limits, order.kind, order.email, &context.origin);
    let mut reserved = Reservation::Reserved;
    for (counter, met) in [(pair, MailLimit::Pair), (address, MailLimit::Address)] {
        reserved = app.store.reserve_in_window(counter.scope, &counter.subject, counter.limit, now).await?;
        if let Reservation::Refused { .. } = reserved {
            return Ok(refused(order.kind, met, reserved));
        }
    }
    Ok(reserved)
}

/// Orders a mail by its item, unless a limit is reached: that is not told.
pub(super) async fn order_by(
    app: &App,
    context: &RequestContext,
    order: &Order<'_>,
    item: &OneTime,
) -> Result<(), StoreError> {
    match reserve_order(app, context, order).await? {
        Reservation::Reserved => app.store.add_one_time(item).await,
        Reservation::Refused { .. } => Ok(()),
    }
}

/// What counts orders in a window.
pub(super) struct Counter<'a> {
    pub(super) scope: Scope,
    pub(super) subject: String,
    pub(super) limit: &'a WindowLimit,
}

/// What counts the orders of a kind for an address: those of the pair of address and source, and all.
pub(super) fn counters<'a>(limits: &'a Limits, kind: MailKind, email: &EmailKey, origin: &Origin) -> [Counter<'a>; 2] {
    let (name, address) = (kind.name(), email.as_str());
    let (pair, of_pair) = match kind {
        MailKind::Reset => (Scope::ResetPair, &limits.reset_pair),
        _ => (Scope::MailPair, &limits.mail_pair),
    };
    let pair = Counter { scope: pair, subject: format!("{name}#{address}#{}", origin.pair_source()), limit: of_pair };
    let (scope, subject, limit) = match kind {
        MailKind::Reset => (Scope::ResetAddress, address.to_owned(), &limits.reset_address),
        MailKind::Registration => (Scope::RegisterAddress, address.to_owned(), &limits.register_address),
        _ => (Scope::MailAddress, format!("{name}#{address}"), &limits.mail_address),
    };
    [pair, Counter { scope, subject, limit }]
}

/// Nobody is told of most refusals: alarms watch them instead.
fn refused(kind: MailKind, limit: MailLimit, reservation: Reservation) -> Reservation {
    metrics::mail_refused(kind.name(), limit);
    reservation
}
