//! What a use case leaves in the audit trail.

use crate::app::App;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::id::{AuditId, SessionId};
use crate::domain::request_context::RequestContext;
use crate::entropy::NoEntropy;

impl App {
    /// A line of the audit trail about this request.
    pub fn audit(
        &self,
        context: &RequestContext,
        subject: Subject,
        action: AuditAction,
        session: Option<SessionId>,
    ) -> Result<AuditEntry, NoEntropy> {
        Ok(AuditEntry {
            id: AuditId::new(context.now, self.entropy.number()?),
            subject,
            action,
            session,
            at: context.now,
            address: context.origin.address.map(|address| address.to_string()),
            user_agent: context.origin.user_agent.clone(),
            holder: None,
            request_id: context.request_id.clone(),
            detail: None,
        })
    }
}
