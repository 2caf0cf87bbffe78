//! Taking back that all second factors are lost, with the mailed link (MF-20). It signs nobody in.
//!
//! Store requests: one read of the item, one transaction.

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::Purpose;
use crate::domain::request_context::RequestContext;
use crate::use_cases::mailed_link::{LinkError, live_item, open_link, or_repeated};

/// Keeps them, and gives the address that the mail went to. A press that the same browser repeats is answered as the first was
/// (OT-02).
pub async fn factors_keep(app: &App, context: &RequestContext, token: &str) -> Result<Email, LinkError> {
    let token = open_link(app, context, token, Purpose::KeepFactors).await?;
    or_repeated(app, context, &token, keep(app, context, &token).await).await
}

async fn keep(app: &App, context: &RequestContext, token: &MailToken) -> Result<Email, LinkError> {
    let item = live_item(app, context, token).await?;
    let (Some(user_id), Some(email)) = (item.user_id, item.recipient.clone()) else {
        return Err(LinkError::InvalidLink);
    };
    let audit = app.audit(context, Subject::User(user_id), AuditAction::FactorLossCancelled, None)?;
    if app.store.cancel_factor_loss(user_id, &item, &audit).await? { Ok(email) } else { Err(LinkError::InvalidLink) }
}
