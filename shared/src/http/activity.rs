//! A line of the audit trail, as its owner sees it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::audit::{Activity, AuditAction};
use crate::domain::device::device_name;

/// Something that happened to an account.
#[derive(Serialize, JsonSchema)]
pub struct ActivityReply {
    /// `aud_…`
    id: String,
    /// What happened, for programs: `signed_in`, `password_changed` and so on.
    #[schemars(with = "String")]
    action: AuditAction,
    /// When (RFC 3339).
    at: String,
    /// From which address.
    address: Option<String>,
    /// From which device.
    device: Option<String>,
    /// The session that it was done in, or that it was done to.
    session_id: Option<String>,
    /// Where a refresh token was presented again: from which address its session had been used last.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_address: Option<String>,
    /// And from which device.
    #[serde(skip_serializing_if = "Option::is_none")]
    holder_device: Option<String>,
}

impl From<Activity> for ActivityReply {
    fn from(line: Activity) -> Self {
        let holder = line.holder;
        let holder_agent = holder.as_ref().and_then(|holder| holder.user_agent.as_deref());
        Self {
            id: line.id.to_string(),
            action: line.action,
            at: line.at.rfc3339(),
            address: line.address,
            device: line.user_agent.as_deref().map(|agent| device_name(Some(agent))),
            session_id: line.session.map(|id| id.to_string()),
            holder_device: holder_agent.map(|agent| device_name(Some(agent))),
            holder_address: holder.and_then(|holder| holder.address),
        }
    }
}
