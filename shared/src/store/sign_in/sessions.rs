//! Sessions: beginning, listing and ending them (SE-04, SE-05). Refreshing is in [`crate::store::sign_in::rotation`].

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, Update};

use crate::domain::audit::AuditEntry;
use crate::domain::device::Device;
use crate::domain::id::{SessionId, UserId};
use crate::domain::one_time::OneTime;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::{Key, SESSION_PREFIX};
use crate::store::transaction::{Part, Transaction};

/// What became of a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionStart {
    /// It exists.
    Started,
    /// The account changed after its credential was read: disabled, another password, or all sessions ended (SE-04).
    /// Or another sign-in used the proof first.
    Superseded,
}

/// What became of a session that was to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionEnd {
    /// It ended just now.
    Ended,
    /// There is no such session, or it had ended before.
    NotFound,
}

/// What became of ending all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OthersEnd {
    /// All sessions but the caller's are dead.
    Ended,
    /// The caller's own session died meanwhile.
    Dead,
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPage {
    /// Newest first; may hold ended ones.
    pub sessions: Vec<Session>,
    /// Where the next page begins.
    pub next: Option<SessionId>,
}

/// A session that is to begin.
#[derive(Debug)]
pub struct NewSession<'a> {
    /// The session, with the account's credentials when they were checked (SE-04).
    pub session: &'a Session,
    /// The mailed item that proved who it is; it can do so once (OT-02).
    pub proof: Option<&'a OneTime>,
    /// The device, where it was not known.
    pub device: Option<&'a Device>,
    /// Tells the owner of the device.
    pub notice: Option<&'a OneTime>,
}

/// The condition that the account still lets a session live, as [`crate::domain::user::User::admits`] has it: what a
/// session asks for must not bring it back to life. [`admitted`] has its values.
pub(in crate::store) fn admits(session: &Session) -> String {
    let present = if session.cred_version.is_some() { " AND cred_version = :made_under" } else { "" };
    format!(
        "(kept_sid = :kept OR (attribute_not_exists(sessions_not_before) OR sessions_not_before < :created){present})"
    )
}

/// What [`admits`] compares with.
pub(in crate::store) fn admitted(session: &Session) -> HashMap<String, AttributeValue> {
    let version = session.cred_version.map(|version| (":made_under".to_owned(), number(version)));
    [(":kept".to_owned(), string(session.id)), (":created".to_owned(), number(session.created_at.millis()))]
        .into_iter()
        .chain(version)
        .collect()
}

impl Store {
    /// Writes a session on condition that the user is as the credential said (SE-04), and that what proved it can
    /// still be used.
    pub async fn start_session(&self, new: &NewSession<'_>, audit: &AuditEntry) -> Result<SessionStart, StoreError> {
        let session = new.session;
        let version = session.cred_version.ok_or(StoreError::Incomplete("no version with a new session"))?;
        let user = Key::user(session.user_id);
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key("pk", user.pk())
            .key("sk", user.sk())
            .condition_expression(
                "#status = :active AND cred_version = :version \
                 AND (attribute_not_exists(sessions_not_before) OR sessions_not_before < :created)",
            )
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":active", string("active"))
            .expression_attribute_values(":version", number(version))
            .expression_attribute_values(":created", number(session.created_at.millis()))
            .build()
            .map_err(|_| StoreError::Incomplete("a check without table or key"))?;
        let key = Key::session(session.user_id, session.id);
        let put = self.put_new(&key, session, Some(session.expires_at.unix_seconds()))?;
        let mut parts = vec![Part::Check(check), Part::Put(put)];
        if let Some(proof) = new.proof {
            parts.push(Part::Update(self.use_up(proof, audit.at)?));
        }
        if let Some(device) = new.device {
            parts.push(Part::Put(self.device_put(device)?));
        }
        if let Some(notice) = new.notice {
            parts.push(Part::Put(self.one_time_put(notice)?));
        }
        match self.transact(parts, audit).await? {
            Transaction::Committed => Ok(SessionStart::Started),
            Transaction::Refused(refusal) if refusal.failed(0) => Ok(SessionStart::Superseded),
            // Its id is random: what is there already is this one, from a try whose answer was lost.
            Transaction::Refused(refusal) if refusal.failed(1) => Ok(SessionStart::Started),
            Transaction::Refused(_) => Ok(SessionStart::Superseded),
        }
    }

    /// Ends one session. The item stays as a tombstone until the session's absolute expiry, so that what comes later
    /// is recognised. `secret_hash` narrows it to the session that a refresh token belongs to.
    pub async fn end_session(
        &self,
        user_id: UserId,
        id: SessionId,
        secret_hash: Option<&str>,
        audit: &AuditEntry,
    ) -> Result<SessionEnd, StoreError> {
        self.end_and_tell(user_id, id, secret_hash, None, audit).await
    }

    /// As [`Self::end_session`], and tells the owner by mail where that ended it.
    pub async fn end_and_tell(
        &self,
        user_id: UserId,
        id: SessionId,
        secret_hash: Option<&str>,
        notice: Option<&OneTime>,
        audit: &AuditEntry,
    ) -> Result<SessionEnd, StoreError> {
        let mut condition = "attribute_exists(pk) AND attribute_not_exists(revoked_at) \
                             AND idle_expires_at > :now AND expires_at > :now"
            .to_owned();
        let mut values = HashMap::from([(":now".to_owned(), number(audit.at.millis()))]);
        if let Some(hash) = secret_hash {
            condition.push_str(" AND secret_hash = :secret");
            values.insert(":secret".to_owned(), string(hash));
        }
        let key = Key::session(user_id, id);
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", key.pk())
            .key("sk", key.sk())
            .update_expression("SET revoked_at = :now")
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))?;
        let notice = notice.map(|notice| self.one_time_put(notice)).transpose()?;
        let parts = [Part::Update(update)].into_iter().chain(notice.map(Part::Put));
        Ok(match self.transact(parts, audit).await? {
            Transaction::Committed => SessionEnd::Ended,
            Transaction::Refused(_) => SessionEnd::NotFound,
        })
    }

    /// Ends all sessions of a user but `kept`, with one write to the user (SE-04).
    pub async fn end_other_sessions(
        &self,
        user_id: UserId,
        kept: &Session,
        audit: &AuditEntry,
    ) -> Result<OthersEnd, StoreError> {
        let session = Key::session(user_id, kept.id);
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .key("pk", session.pk())
            .key("sk", session.sk())
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(revoked_at)")
            .build()
            .map_err(|_| StoreError::Incomplete("a check without table or key"))?;
        let user = Key::user(user_id);
        let update = Update::builder()
            .table_name(&self.table)
            .key("pk", user.pk())
            .key("sk", user.sk())
            .update_expression("SET sessions_not_before = :now, kept_sid = :kept ADD version :one")
            .condition_expression(format!("#status = :active AND {}", admits(kept)))
            .expression_attribute_names("#status", "status")
            .set_expression_attribute_values(Some(admitted(kept)))
            .expression_attribute_values(":active", string("active"))
            .expression_attribute_values(":now", number(audit.at.millis()))
            .expression_attribute_values(":one", number(1))
            .build()
            .map_err(|_| StoreError::Incomplete("an update without table or key"))?;
        Ok(match self.transact([Part::Check(check), Part::Update(update)], audit).await? {
            Transaction::Committed => OthersEnd::Ended,
            Transaction::Refused(_) => OthersEnd::Dead,
        })
    }

    /// Reads a session and its user together, strongly consistent.
    pub async fn read_session_and_user(
        &self,
        user_id: UserId,
        id: SessionId,
    ) -> Result<(Option<Session>, Option<User>), StoreError> {
        let key = Key::session(user_id, id);
        futures::try_join!(self.read(&key), self.read_user(user_id))
    }

    /// Reads a page of a user's sessions, newest first, strongly consistent.
    pub async fn list_sessions(
        &self,
        user_id: UserId,
        limit: u16,
        after: Option<SessionId>,
    ) -> Result<SessionPage, StoreError> {
        let partition = Key::user(user_id).pk();
        let start = after.map(|id| {
            let key = Key::session(user_id, id);
            HashMap::from([("pk".to_owned(), key.pk()), ("sk".to_owned(), key.sk())])
        });
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":pk", partition)
            .expression_attribute_values(":prefix", string(SESSION_PREFIX))
            .consistent_read(true)
            .scan_index_forward(false)
            .limit(i32::from(limit))
            .set_exclusive_start_key(start)
            .send()
            .await?;
        let more = output.last_evaluated_key.is_some();
        let sessions: Vec<Session> = serde_dynamo::from_items(output.items.unwrap_or_default())?;
        let next = if more { sessions.last().map(|session| session.id) } else { None };
        Ok(SessionPage { sessions, next })
    }
}
