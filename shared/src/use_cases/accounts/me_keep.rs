//! Keeping an account that was to be deleted, with the mailed link. It signs nobody in.
//!
//! Store requests: two reads (token, user), one transaction (user, credential, token, turn, audit).

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::fault::Fault;
use crate::store::accounts::deletions::Keeping;
use crate::use_cases::mailed_link::{LinkError, live_item, open_link, or_repeated};

/// Keeps the account, and gives its address. A press that the same browser repeats is answered as the first was (OT-02).
pub async fn me_keep(app: &App, context: &RequestContext, token: &str) -> Result<Email, LinkError> {
    let token = open_link(app, context, token, Purpose::KeepAccount).await?;
    or_repeated(app, context, &token, keep(app, context, &token).await).await
}

async fn keep(app: &App, context: &RequestContext, token: &MailToken) -> Result<Email, LinkError> {
    let item = live_item(app, context, token).await?;
    let (user, erase_at) = leaving(app, &item).await?.ok_or(LinkError::InvalidLink)?;
    let audit = app.audit(context, Subject::User(user.id), AuditAction::DeletionCancelled, None)?;
    match app.store.keep_account(&user, erase_at, &item, &audit).await? {
        Keeping::Kept => Ok(user.email),
        Keeping::Refused => Err(LinkError::InvalidLink),
    }
}

/// The account that the item can keep, and when it would be erased.
async fn leaving(app: &App, item: &OneTime) -> Result<Option<(User, Timestamp)>, Fault> {
    let Some(user_id) = item.user_id else { return Ok(None) };
    let Some(user) = app.store.read_user(user_id).await? else { return Ok(None) };
    let bound = user.status == UserStatus::Leaving
        && Some(user.cred_version) == item.cred_version
        && user.email.key() == item.email_key;
    Ok(user.erase_at.filter(|_| bound).map(|erase_at| (user, erase_at)))
}
