//! Items that mails are sent from, on their way: claimed, sent (OT-09).

use crate::domain::attempts::WindowLimit;
use crate::domain::id::UserId;
use crate::domain::mail_order::{MailOrder, Ordered};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::{Key, ONE_TIME_PREFIX};
use crate::store::limits::Scope;
use crate::store::outcome::Outcome;
use crate::store::write::Part;

/// What makes an item's mail sendable.
#[derive(Debug)]
pub struct MailClaim<'a> {
    /// The item.
    pub order: &'a MailOrder,
    /// The mail ring's key that link and code are derived with.
    pub kid: &'a str,
    /// The account that the item is for, and its credentials' version.
    pub account: Option<(UserId, u64)>,
    /// Whose link goes out, where that is another item's.
    pub redirected: Option<&'a Ordered>,
    /// What a notice counts against: scope, subject and limit.
    pub counter: Option<(Scope, String, &'a WindowLimit)>,
}

/// What became of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// The mail may go out.
    Claimed,
    /// Another try was faster, or the item is gone.
    Superseded,
    /// A limit is reached.
    OverLimit,
}

impl Store {
    /// Reads what an order names, strongly consistent. `None` where another item is in its place.
    pub async fn read_ordered(&self, order: &MailOrder) -> Result<Option<Ordered>, StoreError> {
        let Some(key) = Key::of_order(order) else { return Ok(None) };
        let item = if order.sk.starts_with(ONE_TIME_PREFIX) {
            self.read(&key).await?.map(Ordered::OneTime)
        } else {
            self.read(&key).await?.map(Ordered::Registration)
        };
        Ok(item.filter(|item| item.id() == order.id))
    }

    /// Names the key that the mail is made with, binds the item to its account, and counts a notice, all in one
    /// transaction: however often it is tried, each notice counts once.
    pub async fn claim_mail(&self, claim: &MailClaim<'_>, now: Timestamp) -> Result<Claimed, StoreError> {
        let Some(key) = Key::of_order(claim.order) else { return Ok(Claimed::Superseded) };
        let bound = if claim.account.is_some() { ", user_id = :user, cred_version = :version" } else { "" };
        let mut claimed = self
            .update(&key, format!("SET mac_kid = :kid{bound}"))
            .given("id = :id AND attribute_not_exists(mac_kid) AND attribute_not_exists(used_at)")
            .with([(":kid", string(claim.kid)), (":id", string(&claim.order.id))]);
        if let Some((user, version)) = claim.account {
            claimed = claimed.with([(":user", string(user)), (":version", number(version))]);
        }
        let mut parts: Vec<Part> = vec![claimed.into()];
        if let Some(redirected) = claim.redirected {
            let key = match redirected {
                Ordered::Registration(registration) => Key::registration(&registration.email.key(), registration.id),
                Ordered::OneTime(item) => Key::of_one_time(item),
            };
            let update = self
                .update(&key, "SET mac_kid = :kid")
                // A token is made with the key that its item names, and no other.
                .given("attribute_exists(pk) AND (attribute_not_exists(mac_kid) OR mac_kid = :kid)")
                .with([(":kid", string(claim.kid))]);
            parts.push(update.into());
        }
        let items = parts.len();
        if let Some((scope, subject, limit)) = &claim.counter {
            parts.push(self.window_update(*scope, subject, limit, now).into());
        }
        Ok(match self.transact_parts(parts).await? {
            Outcome::Written(()) => Claimed::Claimed,
            Outcome::Refused(refusal) if (0..items).any(|index| refusal.failed(index)) => Claimed::Superseded,
            Outcome::Refused(_) => Claimed::OverLimit,
        })
    }

    /// Marks an item's mail as sent, so that no later try sends it again.
    pub async fn mark_sent(&self, order: &MailOrder, now: Timestamp) -> Result<(), StoreError> {
        let Some(key) = Key::of_order(order) else { return Ok(()) };
        let update = self
            .update(&key, "SET sent_at = :now")
            .given("id = :id")
            .with([(":now", number(now.millis())), (":id", string(&order.id))]);
        // Where it is refused, it was used and is gone, or was replaced, in the meantime.
        update.send(&self.client).await.map(drop)
    }
}
