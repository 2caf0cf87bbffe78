//! One-time items: written with their order for a mail, used once (OT-02, OT-03).

use crate::domain::email::EmailKey;
use crate::domain::id::{OneTimeId, SessionId};
use crate::domain::nonce::Nonce;
use crate::domain::one_time::{MailToken, OneTime, Purpose};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::read::first_page;
use crate::store::write::{Put, Update, Write};

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
        let put =
            self.one_time_put(item)?.given("attribute_not_exists(pk) OR id <> :id").with([(":id", string(item.id))]);
        put.send(&self.client).await.map(drop)
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
        let attempt = self
            .update(key, "ADD attempts :one")
            .given(format!(
                "{name} = :bond AND attribute_not_exists(used_at) AND expires_at > :now AND attempts < :most"
            ))
            .with([
                (":bond", string(value)),
                (":one", number(1)),
                (":most", number(MOST_ATTEMPTS)),
                (":now", number(now.millis())),
            ])
            .returning_new();
        Ok(attempt.send(&self.client).await?.read()?.written())
    }

    /// An address's newest unused item of this kind, strongly consistent.
    pub async fn newest_one_time(
        &self,
        email: &EmailKey,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<OneTime>, StoreError> {
        let query = self.beginning_with(&Key::one_times(email, purpose)).scan_index_forward(false).limit(NEWEST);
        let items: Vec<OneTime> = first_page(query).await?;
        Ok(items.into_iter().find(|item| item.used_at.is_none() && now < item.expires_at))
    }

    /// The part of a transaction that uses an item up, and says by which browser and for which session. The write
    /// decides who was first.
    pub(super) fn use_up(&self, item: &OneTime, now: Timestamp) -> Write<Update> {
        let used = Used { nonce: &item.mailing.nonce, by: item.used_by.as_deref(), session: item.session_id };
        self.use_up_at(&Key::of_one_time(item), &used, now)
    }

    pub(super) fn use_up_at(&self, key: &Key, used: &Used<'_>, now: Timestamp) -> Write<Update> {
        let by = used.by.map(|by| (", used_by = :by", ":by", string(by)));
        let session = used.session.map(|session| (", session_id = :session", ":session", string(session)));
        let more: Vec<_> = by.into_iter().chain(session).collect();
        let also: String = more.iter().map(|(assignment, ..)| *assignment).collect();
        self.update(key, format!("SET used_at = :now{also}"))
            .given(format!("nonce = :nonce AND {LIVE}"))
            .with([(":now", number(now.millis())), (":nonce", string(used.nonce.as_str()))])
            .with(more.into_iter().map(|(_, name, value)| (name, value)))
    }

    /// A new item.
    pub(super) fn one_time_put(&self, item: &OneTime) -> Result<Write<Put>, StoreError> {
        self.put(&Key::of_one_time(item), item, Some(item.expires_at.unix_seconds()))
    }
}
