//! Moving an account to its new address with the link that was mailed there (OT-12). The mailbox is the proof: nobody
//! needs to be signed in.

use std::time::Duration;

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::user::{User, UserStatus};
use crate::fault::Fault;
use crate::store::accounts::addresses::{AddressChange, AddressMove};
use crate::use_cases::mailed_link::{LinkError, live_item, open_link, or_repeated};

/// Moves the account, ends its sessions, and tells the address before. Gives the new address. A press that the same browser
/// repeats is answered as the first was (OT-02).
pub async fn email_change_confirm(app: &App, context: &RequestContext, token: &str) -> Result<Email, LinkError> {
    let token = open_link(app, context, token, Purpose::EmailChange).await?;
    or_repeated(app, context, &token, change(app, context, &token).await).await
}

async fn change(app: &App, context: &RequestContext, token: &MailToken) -> Result<Email, LinkError> {
    let now = context.now;
    let item = live_item(app, context, token).await?;
    let (user, new_email) = account(app, &item).await?.ok_or(LinkError::InvalidLink)?;
    let credential = app.store.read_credential(&user.email.key()).await?;
    let life = Duration::from_secs(item.undo_seconds.unwrap_or(app.config.accounts.email_undo_seconds));
    let reserved_until = now.plus(life);
    let change = AddressChange {
        token: &item,
        before: &user,
        after: &user.moved_to(new_email, reserved_until, now),
        // The hash is bound to the user, not to the address (PW-02).
        password: credential.and_then(|credential| credential.password),
        reserved_until,
        undo: &OneTime {
            user_id: Some(user.id),
            recipient: Some(user.email.clone()),
            ..app.one_time(context, Purpose::EmailUndo, user.email.key(), life)?
        },
    };
    let audit = app.audit(context, Subject::User(user.id), AuditAction::EmailChanged, None)?;
    match app.store.change_address(&change, &audit).await? {
        AddressMove::Moved => Ok(change.after.email.clone()),
        AddressMove::Superseded | AddressMove::Refused => Err(LinkError::InvalidLink),
    }
}

/// The account that the item is bound to, and the address that got the mail.
async fn account(app: &App, item: &OneTime) -> Result<Option<(User, Email)>, Fault> {
    let (Some(user_id), Some(new_email)) = (item.user_id, item.recipient.clone()) else { return Ok(None) };
    let user = app.store.read_user(user_id).await?;
    let user = user.filter(|user| user.status == UserStatus::Active && Some(user.cred_version) == item.cred_version);
    Ok(user.map(|user| (user, new_email)))
}
