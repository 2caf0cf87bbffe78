//! An order to tell a client that sessions have ended.

use serde::{Deserialize, Serialize};

use crate::domain::id::{SessionId, UserId};
use crate::domain::oauth::client::ClientId;

/// An order. One that comes twice tells the client twice, which changes nothing for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogoutOrder {
    /// The same for each delivery of what it is about.
    pub id: String,
    /// Who is told.
    pub client_id: ClientId,
    /// Whose sessions.
    pub user_id: UserId,
    /// Which one; all of that user's if none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
}
