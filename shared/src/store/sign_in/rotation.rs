//! Rotation: the one write that moves a refresh token family on (SE-02).

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::id::{SessionId, UserId};
use crate::domain::session::{Presented, Session, SessionPolicy};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;
use crate::store::outcome::Outcome;

/// A refresh token, as far as the table has a say in it.
#[derive(Debug, Clone)]
pub struct RotationRequest<'a> {
    /// Whose session.
    pub user_id: UserId,
    /// Which session.
    pub session_id: SessionId,
    /// The generation that was presented.
    pub generation: u32,
    /// The hash of the secret that was presented.
    pub secret_hash: String,
    /// The MAC key that the successor will be sealed with.
    pub mac_kid: &'a str,
    /// Where the request came from.
    pub address: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
}

/// What became of a rotation. The sessions are as the table has them now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The session is one generation further.
    Rotated(Session),
    /// The current token, too young to rotate.
    Current(Session),
    /// The parent, inside the grace window.
    Replayed(Session),
    /// An old or future generation of a live session.
    Reused(Session),
    /// No live session has this token.
    Dead,
}

impl Store {
    /// Moves a session from the presented generation to the next, in one conditional write: the write is the check
    /// (SE-02). If the condition fails, the item that it met says why.
    pub async fn rotate(
        &self,
        request: &RotationRequest<'_>,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<Rotation, StoreError> {
        let key = Key::session(request.user_id, request.session_id);
        let Some(next) = request.generation.checked_add(1) else { return Ok(Rotation::Dead) };
        let optional = |value: &Option<String>| value.as_ref().map_or(AttributeValue::Null(true), string);
        let rotate = self
            .update(
                &key,
                "SET generation = :next, mac_kid = :kid, rotated_at = :now, idle_expires_at = :idle, \
                 address = :address, user_agent = :agent",
            )
            .given(
                "generation = :presented AND secret_hash = :secret AND attribute_not_exists(revoked_at) \
                 AND idle_expires_at > :now AND expires_at > :now \
                 AND (generation = :zero OR rotated_at <= :settled)",
            )
            .with([
                (":next", number(next)),
                (":kid", string(request.mac_kid)),
                (":now", number(now.millis())),
                (":idle", number(now.plus(policy.idle()).millis())),
                (":address", optional(&request.address)),
                (":agent", optional(&request.user_agent)),
                (":presented", number(request.generation)),
                (":secret", string(&request.secret_hash)),
                (":zero", number(0)),
                (":settled", number(now.minus(policy.grace()).millis())),
            ])
            .returning_new()
            .showing_met();
        let met = match rotate.send(&self.client).await?.read()? {
            Outcome::Written(session) => return Ok(Rotation::Rotated(session)),
            Outcome::Refused(met) => met,
        };
        let Some(item) = met else { return Ok(Rotation::Dead) };
        let session: Session = serde_dynamo::from_item(item)?;
        Ok(match session.judge(request.generation, &request.secret_hash, policy.grace(), now) {
            Presented::Current => Rotation::Current(session),
            Presented::Replayed => Rotation::Replayed(session),
            Presented::Reused => Rotation::Reused(session),
            Presented::Dead => Rotation::Dead,
        })
    }
}
