//! Keeping an account that was to be deleted, with the mailed link. It signs nobody in.
//!
//! Store requests: two reads (token, user), one transaction (user, credential, token, turn, audit).

use thiserror::Error;

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::timestamp::Timestamp;
use crate::domain::user::{User, UserStatus};
use crate::fault::{Fault, fault_arm};
use crate::store::accounts::deletions::Keeping;
use crate::use_cases::repeat::repeated;

/// Why the account is not kept.
#[derive(Debug, Error)]
pub enum MeKeepError {
    /// Forged, expired, used, or the account is kept already or being erased.
    #[error("the link is no longer valid")]
    InvalidLink,
    /// Our side failed.
    #[error(transparent)]
    Fault(Fault),
}
fault_arm!(MeKeepError);

/// Keeps the account, and gives its address. A press that the same browser repeats is answered as the first was (OT-02).
pub async fn me_keep(app: &App, context: &RequestContext, token: &str) -> Result<Email, MeKeepError> {
    let now = context.now;
    let ring = app.secrets.mail_mac(now).await?;
    let token = MailToken::open(token, Purpose::KeepAccount, &ring, now).map_err(|_| MeKeepError::InvalidLink)?;
    match keep(app, context, &token).await {
        Err(MeKeepError::InvalidLink) => {
            let used = repeated(app, context, &token).await?;
            used.and_then(|used| used.recipient).ok_or(MeKeepError::InvalidLink)
        }
        kept => kept,
    }
}

async fn keep(app: &App, context: &RequestContext, token: &MailToken) -> Result<Email, MeKeepError> {
    let now = context.now;
    let item = app.store.read_one_time(token).await?.filter(|item| item.is_live(now));
    let item = item.ok_or(MeKeepError::InvalidLink)?.used_from(&context.origin);
    let (user, erase_at) = leaving(app, &item).await?.ok_or(MeKeepError::InvalidLink)?;
    let audit = app.audit(context, Subject::User(user.id), AuditAction::DeletionCancelled, None)?;
    match app.store.keep_account(&user, erase_at, &item, &audit).await? {
        Keeping::Kept => Ok(user.email),
        Keeping::Refused => Err(MeKeepError::InvalidLink),
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
