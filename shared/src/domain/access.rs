//! Who makes a request, once its access token has been verified.

use crate::domain::id::{SessionId, UserId};
use crate::domain::timestamp::Timestamp;

/// A verified bearer: the person, the session, and when they proved who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub`.
    pub user_id: UserId,
    /// The token's `sid`.
    pub session_id: SessionId,
    /// When the person last authenticated; refreshing never renews it (SE-10).
    pub auth_time: Timestamp,
}
