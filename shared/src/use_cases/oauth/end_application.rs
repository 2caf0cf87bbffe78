//! Taking back from an application what a person has let it have.
//!
//! Store requests: one round of two reads (session, account), the queries of the grants, and one transaction for each grant that
//! lives and for the consent.

use crate::app::App;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::oauth::client::ClientId;
use crate::domain::request_context::RequestContext;
use crate::use_cases::authenticate::{AuthenticateError, Caller, authenticate};

/// More grants of one person are not looked at: they end with their sessions.
const MOST_GRANTS: usize = 2000;

/// Ends every grant of the application, and forgets the consent: it has to ask again.
pub async fn end_application(
    app: &App,
    context: &RequestContext,
    caller: Caller<'_>,
    client_id: &ClientId,
) -> Result<(), AuthenticateError> {
    let caller = authenticate(app, context, caller).await?;
    let user_id = caller.user.id;
    let audited = || {
        let audit = app.audit(context, Subject::User(user_id), AuditAction::GrantEnded, Some(caller.session.id))?;
        Ok::<_, AuthenticateError>(AuditEntry { detail: Some(client_id.as_str().to_owned()), ..audit })
    };
    // The consent first: what comes of a code that is out has to be asked for again at the latest by then.
    app.store.delete_consent(user_id, client_id, &audited()?).await?;
    let (grants, _) = app.store.list_grants(user_id, MOST_GRANTS).await?;
    for grant in grants.iter().filter(|grant| grant.client_id == *client_id && grant.revoked_at.is_none()) {
        app.store.revoke_grant(user_id, grant.id, &audited()?).await?;
    }
    Ok(())
}
