//! Items that mails are sent from, on their way: claimed, sent (OT-09).

use aws_sdk_dynamodb::types::Update;

use crate::domain::attempts::WindowLimit;
use crate::domain::id::UserId;
use crate::domain::mail_order::{MailOrder, Ordered};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::{Key, ONE_TIME_PREFIX};
use crate::store::limits::Scope;
use crate::store::transaction::{Part, Transaction};

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
        let mut update = self
            .update_part(&key)
            .update_expression(format!("SET mac_kid = :kid{bound}"))
            .condition_expression("id = :id AND attribute_not_exists(mac_kid) AND attribute_not_exists(used_at)")
            .expression_attribute_values(":kid", string(claim.kid))
            .expression_attribute_values(":id", string(&claim.order.id));
        if let Some((user, version)) = claim.account {
            update = update
                .expression_attribute_values(":user", string(user))
                .expression_attribute_values(":version", number(version));
        }
        let mut parts = vec![Part::Update(update.build().map_err(incomplete)?)];
        if let Some(redirected) = claim.redirected {
            let key = match redirected {
                Ordered::Registration(registration) => Key::registration(&registration.email.key(), registration.id),
                Ordered::OneTime(item) => Key::of_one_time(item),
            };
            let update = self
                .update_part(&key)
                .update_expression("SET mac_kid = :kid")
                // A token is made with the key that its item names, and no other.
                .condition_expression("attribute_exists(pk) AND (attribute_not_exists(mac_kid) OR mac_kid = :kid)")
                .expression_attribute_values(":kid", string(claim.kid));
            parts.push(Part::Update(update.build().map_err(incomplete)?));
        }
        let items = parts.len();
        if let Some((scope, subject, limit)) = &claim.counter {
            parts.push(Part::Update(self.window_update(*scope, subject, limit, now)?));
        }
        Ok(match self.transact_parts(parts).await? {
            Transaction::Committed => Claimed::Claimed,
            Transaction::Refused(refusal) if (0..items).any(|index| refusal.failed(index)) => Claimed::Superseded,
            Transaction::Refused(_) => Claimed::OverLimit,
        })
    }

    /// Marks an item's mail as sent, so that no later try sends it again.
    pub async fn mark_sent(&self, order: &MailOrder, now: Timestamp) -> Result<(), StoreError> {
        let Some(key) = Key::of_order(order) else { return Ok(()) };
        let update = self
            .update(&key)
            .update_expression("SET sent_at = :now")
            .condition_expression("id = :id")
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":id", string(&order.id));
        match update.send().await {
            Ok(_) => Ok(()),
            // Used and gone, or replaced, in the meantime.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn update_part(&self, key: &Key) -> aws_sdk_dynamodb::types::builders::UpdateBuilder {
        Update::builder().table_name(&self.table).key("pk", key.pk()).key("sk", key.sk())
    }
}

fn incomplete(_: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::Incomplete("an update without table or key")
}
