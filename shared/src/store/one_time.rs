//! One-time items: written with their order for a mail, used once (OT-02, OT-03).

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnValue, Update};

use crate::domain::email::EmailKey;
use crate::domain::id::{OneTimeId, SessionId};
use crate::domain::nonce::Nonce;
use crate::domain::one_time::{MailToken, OneTime, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::accounts::users::Keyed;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;

/// The most codes that are tried against one item (OT-11).
const MOST_ATTEMPTS: u32 = 5;
/// How many of an address's newest items of a kind are looked at.
const NEWEST: i32 = 25;

/// What shows that a try of a code comes from where the code was asked for, or from who has the mail (OT-11).
#[derive(Debug, Clone, Copy)]
pub enum CodeBond<'a> {
    /// The hash of the flow token's secret.
    Flow(&'a str),
    /// The random bits of the mailed link's token.
    Link(&'a Nonce),
}

/// What an item has to be for its token or code to be taken: unused, unexpired (OT-02, OT-03), and sent.
const LIVE: &str = "attribute_not_exists(used_at) AND expires_at > :now AND attribute_exists(mac_kid)";

/// How an item is used up.
pub(super) struct Used<'a> {
    /// The item's random bits.
    pub(super) nonce: &'a Nonce,
    /// The browser's mark.
    pub(super) by: Option<&'a str>,
    /// The session that begins.
    pub(super) session: Option<SessionId>,
}

impl Store {
    /// Writes an item, and with it the order for its mail: the same single write for every address (EN-04). A retry of a
    /// write whose answer was lost must not undo what the mailer has noted in the item meanwhile.
    pub async fn add_one_time(&self, item: &OneTime) -> Result<(), StoreError> {
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(self.one_time_item(item)?))
            .condition_expression("attribute_not_exists(pk) OR id <> :id")
            .expression_attribute_values(":id", string(item.id));
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the item that a token names, strongly consistent, if the token has its random bits.
    pub async fn read_one_time(&self, token: &MailToken) -> Result<Option<OneTime>, StoreError> {
        let key = Key::one_time(&token.email_key, token.purpose, token.one_time_id());
        let item: Option<OneTime> = self.read(&key).await?;
        Ok(item.filter(|item| item.mailing.nonce == token.nonce && item.id == token.one_time_id()))
    }

    /// Counts a try of the code of a sign-in's item, and gives the item to compare with. `None` where there is no such
    /// item with this bond, or none that still takes codes.
    pub async fn reserve_code_attempt(
        &self,
        email: &EmailKey,
        id: OneTimeId,
        bond: CodeBond<'_>,
        now: Timestamp,
    ) -> Result<Option<OneTime>, StoreError> {
        self.count_attempt(&Key::one_time(email, Purpose::EmailCode, id), bond, now).await
    }

    /// Whether the mail has gone out makes no difference: it never does for an unknown address (EN-04).
    pub(super) async fn count_attempt<T: serde::de::DeserializeOwned>(
        &self,
        key: &Key,
        bond: CodeBond<'_>,
        now: Timestamp,
    ) -> Result<Option<T>, StoreError> {
        let (name, value) = match bond {
            CodeBond::Flow(hash) => ("flow_hash", hash),
            CodeBond::Link(nonce) => ("nonce", nonce.as_str()),
        };
        let answer = self
            .update(key)
            .update_expression("ADD attempts :one")
            .condition_expression(format!(
                "{name} = :bond AND attribute_not_exists(used_at) AND expires_at > :now AND attempts < :most"
            ))
            .expression_attribute_values(":bond", string(value))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":most", number(MOST_ATTEMPTS))
            .expression_attribute_values(":now", number(now.millis()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match answer {
            Ok(output) => {
                let item = output.attributes.ok_or(StoreError::Incomplete("no item with an update"))?;
                Ok(Some(serde_dynamo::from_item(item)?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// An address's newest unused item of this kind, strongly consistent.
    pub async fn newest_one_time(
        &self,
        email: &EmailKey,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<OneTime>, StoreError> {
        let first = Key::one_times(email, purpose);
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", first.pk())
            .expression_attribute_values(":prefix", first.sk())
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(NEWEST);
        let items: Vec<OneTime> = serde_dynamo::from_items(query.send().await?.items.unwrap_or_default())?;
        Ok(items.into_iter().find(|item| item.used_at.is_none() && now < item.expires_at))
    }

    /// The part of a transaction that uses an item up, and says by which browser and for which session. The write
    /// decides who was first.
    pub(super) fn use_up(&self, item: &OneTime, now: Timestamp) -> Result<Update, StoreError> {
        let used = Used { nonce: &item.mailing.nonce, by: item.used_by.as_deref(), session: item.session_id };
        self.use_up_at(&Key::of_one_time(item), &used, now)
    }

    pub(super) fn use_up_at(&self, key: &Key, used: &Used<'_>, now: Timestamp) -> Result<Update, StoreError> {
        let by = used.by.map(|by| (", used_by = :by", ":by", string(by)));
        let session = used.session.map(|session| (", session_id = :session", ":session", string(session)));
        let mut expression = "SET used_at = :now".to_owned();
        let mut update = Update::builder();
        for (assignment, name, value) in by.into_iter().chain(session) {
            expression.push_str(assignment);
            update = update.expression_attribute_values(name, value);
        }
        update
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression(expression)
            .condition_expression(format!("nonce = :nonce AND {LIVE}"))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":nonce", string(used.nonce.as_str()))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))
    }

    /// A new item as a part of a transaction.
    pub(super) fn one_time_put(&self, item: &OneTime) -> Result<Put, StoreError> {
        Put::builder()
            .table_name(&self.table)
            .set_item(Some(self.one_time_item(item)?))
            .build()
            .map_err(|_| StoreError::Incomplete("a put without table or item"))
    }

    #[expect(clippy::unused_self, reason = "beside the methods that write it")]
    fn one_time_item(&self, item: &OneTime) -> Result<HashMap<String, AttributeValue>, StoreError> {
        let key = Key::of_one_time(item);
        let (pk, sk) = key.parts();
        Ok(serde_dynamo::to_item(Keyed { pk, sk, item, ttl: Some(item.expires_at.unix_seconds()) })?)
    }
}
