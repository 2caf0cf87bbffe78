//! Rotation: the one write that moves a refresh token family on (SE-02).

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};

use crate::domain::id::{SessionId, UserId};
use crate::domain::session::{Presented, Session, SessionPolicy};
use crate::domain::timestamp::Timestamp;
use crate::store::Store;
use crate::store::attributes::{number, string};
use crate::store::error::StoreError;
use crate::store::keys::Key;

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
        let answer = self
            .update(&key)
            .update_expression(
                "SET generation = :next, mac_kid = :kid, rotated_at = :now, idle_expires_at = :idle, \
                 address = :address, user_agent = :agent",
            )
            .condition_expression(
                "generation = :presented AND secret_hash = :secret AND attribute_not_exists(revoked_at) \
                 AND idle_expires_at > :now AND expires_at > :now \
                 AND (generation = :zero OR rotated_at <= :settled)",
            )
            .expression_attribute_values(":next", number(next))
            .expression_attribute_values(":kid", string(request.mac_kid))
            .expression_attribute_values(":now", number(now.millis()))
            .expression_attribute_values(":idle", number(now.plus(policy.idle()).millis()))
            .expression_attribute_values(":address", optional(&request.address))
            .expression_attribute_values(":agent", optional(&request.user_agent))
            .expression_attribute_values(":presented", number(request.generation))
            .expression_attribute_values(":secret", string(&request.secret_hash))
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":settled", number(now.minus(policy.grace()).millis()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match answer {
            Ok(output) => {
                let item = output.attributes.ok_or(StoreError::Incomplete("no item with an update"))?;
                Ok(Rotation::Rotated(serde_dynamo::from_item(item)?))
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    let Some(item) = failed.item().cloned() else { return Ok(Rotation::Dead) };
                    let session: Session = serde_dynamo::from_item(item)?;
                    Ok(match session.judge(request.generation, &request.secret_hash, policy.grace(), now) {
                        Presented::Current => Rotation::Current(session),
                        Presented::Replayed => Rotation::Replayed(session),
                        Presented::Reused => Rotation::Reused(session),
                        Presented::Dead => Rotation::Dead,
                    })
                }
                _ => Err(error.into()),
            },
        }
    }
}
