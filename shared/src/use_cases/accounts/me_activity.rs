//! What happened to the caller's account (PL-03).

use crate::app::App;
use crate::domain::id::AuditId;
use crate::domain::request_context::RequestContext;
use crate::store::accounts::activity::ActivityPage;
use crate::use_cases::authenticate::{AuthenticateError, authenticate};

/// Which page.
#[derive(Debug, Clone, Copy)]
pub struct ListActivity {
    /// How many lines it has at most.
    pub limit: usize,
    /// The line before its first one.
    pub after: Option<AuditId>,
}

/// Lists the lines of the audit trail about the caller's account, newest first.
pub async fn list_activity(
    app: &App,
    context: &RequestContext,
    access_token: Option<&str>,
    page: ListActivity,
) -> Result<ActivityPage, AuthenticateError> {
    let caller = authenticate(app, context, access_token).await?;
    Ok(app.store.list_activity(&caller.user, page.limit, page.after, context.now).await?)
}
