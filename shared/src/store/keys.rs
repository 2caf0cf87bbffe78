//! The keys of every item, in one place.

mod factors;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::email::EmailKey;
use crate::domain::hex;
use crate::domain::id::{DeviceId, GrantId, ImportId, OneTimeId, RegistrationId, SessionId, UserId};
use crate::domain::mail_order::MailOrder;
use crate::domain::migration::Position;
use crate::domain::oauth::client::ClientId;
use crate::domain::oauth::resource::ResourceUri;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::synthetic::Synthetic;
use crate::domain::timestamp::Timestamp;

/// The sort keys of a user's sessions begin with this.
pub(super) const SESSION_PREFIX: &str = "SESSION#";

/// The sort keys of what a user lets clients have begin with this.
pub(super) const GRANT_PREFIX: &str = "GRANT#";
pub(super) const CONSENT_PREFIX: &str = "CONSENT#";

/// The sort keys of a user's second factors begin with this.
pub(super) const FACTOR_PREFIX: &str = "FACTOR#";

/// The sort keys of items that a mail is sent from begin with this; registrations' with [`REGISTRATION_PREFIX`].
pub(super) const ONE_TIME_PREFIX: &str = "ONE_TIME#";
/// The sort keys of registrations begin with this.
pub(super) const REGISTRATION_PREFIX: &str = "REGISTRATION#";

/// Whether mails are sent from items with this sort key.
pub(super) fn is_mailed(sk: &str) -> bool {
    sk.starts_with(ONE_TIME_PREFIX) || sk.starts_with(REGISTRATION_PREFIX)
}

/// The partition keys of users begin with this.
pub(super) const USER_PREFIX: &str = "USER#";
/// The sort key of a user's own item.
pub(super) const PROFILE: &str = "PROFILE";
/// The sort keys of known devices begin with this.
pub(super) const DEVICE_PREFIX: &str = "DEVICE#";

/// The partition that lists OAuth clients and resources.
const REGISTERED: &str = "REGISTERED";
/// The partition of the accounts that are to be erased.
const ERASURES: &str = "ERASURE";
/// The partition of the migrations' states.
const MIGRATIONS: &str = "MIGRATION";
/// The partition keys of what one replica does for all begin with this.
pub(super) const LEASE_PREFIX: &str = "LEASE#";
/// The partition of events that wait.
const EVENT_RETRIES: &str = "EVENTRETRY";

/// A partition and a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pk: String,
    sk: String,
}

impl Key {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }

    pub(super) fn credential(email: &EmailKey) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), "CREDENTIAL")
    }

    /// The credential of an address that is known by its hash alone.
    pub(super) fn credential_at(hash: &str) -> Self {
        Self::new(format!("EMAIL#{hash}"), "CREDENTIAL")
    }

    /// Beside the credential of its address, so that verifying one can find and drop the others (OT-10).
    pub(super) fn registration(email: &EmailKey, id: RegistrationId) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), format!("{REGISTRATION_PREFIX}{id}"))
    }

    /// An item that a mail is sent from, beside the credential of the address that it is about.
    pub(super) fn one_time(email: &EmailKey, purpose: Purpose, id: OneTimeId) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), format!("{ONE_TIME_PREFIX}{}#{id}", purpose.name()))
    }

    /// What the sort keys of an address's items of one kind begin with.
    pub(super) fn one_times(email: &EmailKey, purpose: Purpose) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), format!("{ONE_TIME_PREFIX}{}#", purpose.name()))
    }

    pub(super) fn of_one_time(item: &OneTime) -> Self {
        Self::one_time(&item.email_key, item.purpose, item.id)
    }

    /// The item that an order names; `None` where that is none that a mail is sent from.
    pub(super) fn of_order(order: &MailOrder) -> Option<Self> {
        let known = order.pk.starts_with("EMAIL#") && is_mailed(&order.sk);
        known.then(|| Self::new(&order.pk, &order.sk))
    }

    /// What the sort keys of an address's registrations begin with.
    pub(super) fn registrations(email: &EmailKey) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), REGISTRATION_PREFIX)
    }

    /// A known device, beside the credential of the address that signed in from it.
    pub(super) fn device(email: &EmailKey, id: DeviceId) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), format!("{DEVICE_PREFIX}{id}"))
    }

    /// What the sort keys of an address's known devices begin with.
    pub(super) fn devices(email: &EmailKey) -> Self {
        Self::new(format!("EMAIL#{}", email.as_str()), DEVICE_PREFIX)
    }

    pub(super) fn user(id: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{id}"), PROFILE)
    }

    /// The account's turn to be erased. Sorts by time.
    pub(super) fn erasure(user: UserId, at: Timestamp) -> Self {
        Self::new(ERASURES, format!("{:015}#{user}", at.millis()))
    }

    /// Where the turns end that have come by `now`.
    pub(super) fn erasures_after(now: Timestamp) -> Self {
        Self::new(ERASURES, format!("{:015}", now.millis().saturating_add(1)))
    }

    pub(super) fn session(user: UserId, id: SessionId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{SESSION_PREFIX}{id}"))
    }

    /// Beside the user's sessions: the release before this one reads nothing under this prefix (OC-04).
    pub(super) fn grant(user: UserId, id: GrantId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{GRANT_PREFIX}{id}"))
    }

    /// What the sort keys of a user's grants begin with.
    pub(super) fn grants(user: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), GRANT_PREFIX)
    }

    /// Beside them: what the user has let a client have.
    pub(super) fn consent(user: UserId, client: &ClientId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), format!("{CONSENT_PREFIX}{}", client.as_str()))
    }

    /// What the sort keys of a user's consents begin with.
    pub(super) fn consents(user: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), CONSENT_PREFIX)
    }

    /// What the sort keys of a user's sessions begin with.
    pub(super) fn sessions(user: UserId) -> Self {
        Self::new(format!("{USER_PREFIX}{user}"), SESSION_PREFIX)
    }

    /// A counter in a fixed window. The subject is hashed: the table needs no list of client addresses.
    pub(super) fn window(scope: &str, subject: &str, start: Timestamp) -> Self {
        let hash = ring::digest::digest(&ring::digest::SHA256, subject.as_bytes());
        Self::new(format!("LIMIT#{scope}#{}", hex(hash.as_ref())), format!("{:015}", start.millis()))
    }

    /// A migration's state: its lock, and how far it is.
    pub(super) fn migration(number: &str) -> Self {
        Self::new(MIGRATIONS, number)
    }

    /// How far an import has come.
    pub(super) fn import(run: ImportId) -> Self {
        Self::new(format!("IMPORT#{run}"), "PROGRESS")
    }

    /// Where a scan stands, or an item that it met.
    pub(super) fn of_position(position: &Position) -> Self {
        Self::new(&position.pk, &position.sk)
    }

    /// Who plays a synthetic user just now.
    pub(super) fn smoke_lease(user: &Synthetic) -> Self {
        Self::new(format!("SMOKE#{}", user.number()), "LEASE")
    }

    /// Which replica does something just now.
    pub(super) fn lease(name: &str) -> Self {
        Self::new(format!("{LEASE_PREFIX}{name}"), "LEASE")
    }

    /// An order that waits. Sorts by time.
    pub(super) fn retry(waiting: &str, order: &str, due: Timestamp) -> Self {
        Self::new(waiting, format!("{:015}#{order}", due.millis()))
    }

    /// Where the orders end whose time has come by `now`.
    pub(super) fn retries_after(waiting: &str, now: Timestamp) -> Self {
        Self::new(waiting, format!("{:015}", now.millis().saturating_add(1)))
    }

    /// An order that nobody tries any more.
    pub(super) fn failed(failed: &str, order: &str) -> Self {
        Self::new(failed, order)
    }

    /// An event that waits. Sorts by user, and then as it happened.
    pub(super) fn event_retry(user: &str, place: &str) -> Self {
        Self::new(EVENT_RETRIES, format!("{user}#{place}"))
    }

    /// What the sort keys of a user's events that wait begin with, or everybody's.
    pub(super) fn event_retries(user: &str) -> Self {
        Self::new(EVENT_RETRIES, user)
    }

    /// An event that nobody tries any more.
    pub(super) fn event_failed(id: &str) -> Self {
        Self::new("EVENTFAILED", id)
    }

    pub(super) fn client(id: &ClientId) -> Self {
        Self::new(format!("CLIENT#{}", id.as_str()), "CLIENT")
    }

    pub(super) fn resource(uri: &ResourceUri) -> Self {
        Self::new(format!("RESOURCE#{}", uri.hash()), "RESOURCE")
    }

    /// The partition that lists clients and resources.
    pub(super) fn registered() -> Self {
        Self::new(REGISTERED, "")
    }

    pub(super) fn registered_client(id: &ClientId) -> Self {
        Self::new(REGISTERED, format!("CLIENT#{}", id.as_str()))
    }

    pub(super) fn registered_resource(uri: &ResourceUri) -> Self {
        Self::new(REGISTERED, format!("RESOURCE#{}", uri.hash()))
    }

    pub(super) fn settings() -> Self {
        Self::new("SETTINGS", "SETTINGS")
    }

    /// In the partition of the settings: whoever may read those may read this.
    pub(super) fn writer() -> Self {
        Self::new("SETTINGS", "WRITER")
    }

    /// Both keys as the attributes of an item.
    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([("pk".to_owned(), self.pk()), ("sk".to_owned(), self.sk())])
    }

    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.pk, &self.sk)
    }

    pub(super) fn pk(&self) -> AttributeValue {
        AttributeValue::S(self.pk.clone())
    }

    pub(super) fn sk(&self) -> AttributeValue {
        AttributeValue::S(self.sk.clone())
    }
}
