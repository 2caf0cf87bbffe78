//! Sessions: beginning, listing and ending them (SE-04, SE-05). Refreshing is in [`crate::store::sign_in::rotation`].

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::audit::AuditEntry;
use crate::domain::device::Device;
use crate::domain::id::{SessionId, UserId};
use crate::domain::one_time::OneTime;
use crate::domain::second_factor::{Challenge, UsedFactor};
use crate::domain::session::Session;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::User;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;
use crate::store::sign_in::admission::{LIVES, admits, admitted, same_factors};
use crate::store::write::Part;

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

/// What became of a session whose person has shown again who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SteppingUp {
    /// It says so.
    Noted,
    /// It has ended meanwhile.
    SessionGone,
    /// Somebody has used the second factor meanwhile.
    FactorUsed,
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
    /// The version of the account's factors when they were judged (MF-01).
    pub factors_version: u64,
    /// The mailed item that proved who it is; it can do so once (OT-02).
    pub proof: Option<&'a OneTime>,
    /// The second step, where there was one.
    pub second: Option<SecondStep<'a>>,
    /// The device, where it was not known.
    pub device: Option<&'a Device>,
    /// Tells the owner of the device.
    pub notice: Option<&'a OneTime>,
}

/// The second step of a sign-in.
#[derive(Debug, Clone, Copy)]
pub struct SecondStep<'a> {
    /// What asked for it; it makes one session at most (MF-02). A passkey alone needs none.
    pub challenge: Option<&'a Challenge>,
    /// What was shown.
    pub used: &'a UsedFactor,
    /// Tells the owner, where that is to be told.
    pub notice: Option<&'a OneTime>,
}

impl Store {
    /// Writes a session on condition that the user is as the credential said (SE-04), and that what proved it can
    /// still be used.
    pub async fn start_session(&self, new: &NewSession<'_>, audit: &AuditEntry) -> Result<SessionStart, StoreError> {
        let session = new.session;
        let key = Key::session(session.user_id, session.id);
        let put = self.put_new(&key, session, Some(session.expires_at.unix_seconds()))?;
        match self.transact(self.sign_in_parts(new, put.into(), audit.at)?, audit).await? {
            Outcome::Written(()) => Ok(SessionStart::Started),
            Outcome::Refused(refusal) if refusal.failed(0) => Ok(SessionStart::Superseded),
            // Its id is random: what is there already is this one, from a try whose answer was lost.
            Outcome::Refused(refusal) if refusal.failed(1) => Ok(SessionStart::Started),
            Outcome::Refused(_) => Ok(SessionStart::Superseded),
        }
    }

    /// Notes in a session that is there already that its person has signed in again, on the same conditions, and that it
    /// lives. Whether it did.
    pub async fn sign_in_again(&self, again: &NewSession<'_>, audit: &AuditEntry) -> Result<bool, StoreError> {
        let session = again.session;
        let at = session.authenticated_at;
        let amr = session.amr.iter().map(string).collect();
        let renewed = "SET authenticated_at = :at, amr = :amr, idle_expires_at = :idle, cred_version = :version";
        let update = self.update(&Key::session(session.user_id, session.id), renewed).given(LIVES).with([
            (":at", number(at.millis())),
            (":amr", AttributeValue::L(amr)),
            (":idle", number(session.idle_expires_at.millis())),
            (":version", number(session.cred_version.unwrap_or_default())),
            (":secret", string(&session.secret_hash)),
        ]);
        let parts = self.sign_in_parts(again, update.into(), audit.at)?;
        Ok(self.transact(parts, audit).await?.either(true, false))
    }

    /// Notes in a session that its person has shown again who they are, on condition that it and the account still let it
    /// live, and that the second factor was not used meanwhile; of some the owner is told.
    pub async fn step_up(
        &self,
        session: &Session,
        used: Option<(&UsedFactor, Option<&OneTime>)>,
        audit: &AuditEntry,
    ) -> Result<SteppingUp, StoreError> {
        let check = self.check(&Key::user(session.user_id), "#status = :active").and(&admits(session));
        let check = check.with(admitted(session)).with([(":active", string("active"))]);
        let noted = "SET authenticated_at = :at, amr = :amr";
        let update = self.update(&Key::session(session.user_id, session.id), noted).given(LIVES).with([
            (":at", number(session.authenticated_at.millis())),
            (":amr", AttributeValue::L(session.amr.iter().map(string).collect())),
            (":secret", string(&session.secret_hash)),
        ]);
        let mut parts: Vec<Part> = vec![check.into(), update.into()];
        if let Some((used, notice)) = used {
            parts.extend(self.use_factor(session.user_id, used)?);
            if let Some(notice) = notice {
                parts.push(self.one_time_put(notice)?.into());
            }
            parts.push(self.delete(&Key::factor_loss(session.user_id)).into());
        }
        Ok(match self.transact(parts, audit).await? {
            Outcome::Written(()) => SteppingUp::Noted,
            Outcome::Refused(refusal) if !refusal.failed(0) && !refusal.failed(1) => SteppingUp::FactorUsed,
            Outcome::Refused(_) => SteppingUp::SessionGone,
        })
    }

    /// A session's own part of a sign-in, with what else belongs to one.
    fn sign_in_parts(&self, new: &NewSession<'_>, session_part: Part, now: Timestamp) -> Result<Vec<Part>, StoreError> {
        let session = new.session;
        let version = session.cred_version.ok_or(StoreError::Incomplete("no version with a new session"))?;
        let check = self
            .check(
                &Key::user(session.user_id),
                "#status = :active AND cred_version = :version \
                 AND (attribute_not_exists(sessions_not_before) OR sessions_not_before < :created)",
            )
            .with([
                (":active", string("active")),
                (":version", number(version)),
                (":created", number(session.created_at.millis())),
            ]);
        let check = same_factors(check, new.factors_version);
        let mut parts: Vec<Part> = vec![check.into(), session_part];
        parts.extend(new.proof.map(|proof| self.use_up(proof, now).into()));
        if let Some(SecondStep { challenge, used, notice }) = new.second {
            parts.extend(challenge.map(|challenge| self.answer(challenge, now).into()));
            parts.extend(self.use_factor(session.user_id, used)?);
            // Nothing is lost (MF-20).
            parts.push(self.delete(&Key::factor_loss(session.user_id)).into());
            if let Some(notice) = notice {
                parts.push(self.one_time_put(notice)?.into());
            }
        }
        if let Some(device) = new.device {
            parts.push(self.device_put(device)?.into());
        }
        if let Some(notice) = new.notice {
            parts.push(self.one_time_put(notice)?.into());
        }
        Ok(parts)
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
        let mut update = self
            .update(&Key::session(user_id, id), "SET revoked_at = :now")
            .given(
                "attribute_exists(pk) AND attribute_not_exists(revoked_at) \
                 AND idle_expires_at > :now AND expires_at > :now",
            )
            .with([(":now", number(audit.at.millis()))]);
        if let Some(hash) = secret_hash {
            update = update.and("secret_hash = :secret").with([(":secret", string(hash))]);
        }
        let notice = notice.map(|notice| self.one_time_put(notice)).transpose()?;
        let parts = [update.into()].into_iter().chain(notice.map(Part::from));
        Ok(self.transact(parts, audit).await?.either(SessionEnd::Ended, SessionEnd::NotFound))
    }

    /// Ends all sessions of a user but `kept`, with one write to the user (SE-04).
    pub async fn end_other_sessions(
        &self,
        user_id: UserId,
        kept: &Session,
        audit: &AuditEntry,
    ) -> Result<OthersEnd, StoreError> {
        let check = "attribute_exists(pk) AND attribute_not_exists(revoked_at)";
        let check = self.check(&Key::session(user_id, kept.id), check);
        let update = self
            .update(&Key::user(user_id), "SET sessions_not_before = :now, kept_sid = :kept ADD version :one")
            .given("#status = :active")
            .and(&admits(kept))
            .with(admitted(kept))
            .with([(":active", string("active")), (":now", number(audit.at.millis())), (":one", number(1))]);
        let parts = [check.into(), update.into()];
        Ok(self.transact(parts, audit).await?.either(OthersEnd::Ended, OthersEnd::Dead))
    }

    /// Reads a session, strongly consistent.
    pub async fn read_session(&self, user_id: UserId, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read(&Key::session(user_id, id)).await
    }

    /// Reads a session and its user together, strongly consistent.
    pub async fn read_session_and_user(
        &self,
        user_id: UserId,
        id: SessionId,
    ) -> Result<(Option<Session>, Option<User>), StoreError> {
        futures::try_join!(self.read_session(user_id, id), self.read_user(user_id))
    }

    /// Reads a page of a user's sessions, newest first, strongly consistent.
    pub async fn list_sessions(
        &self,
        user_id: UserId,
        limit: u16,
        after: Option<SessionId>,
    ) -> Result<SessionPage, StoreError> {
        let start = after.map(|id| Key::session(user_id, id).attributes());
        let output = self
            .beginning_with(&Key::sessions(user_id))
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
