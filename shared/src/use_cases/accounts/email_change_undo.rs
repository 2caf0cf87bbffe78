//! Taking an account back to the address that it was moved from (OT-12). It may be a takeover that is undone: what was
//! changed since does not stand in the way, every session ends, and the password goes.

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::store::accounts::addresses::{AddressMove, AddressUndo};
use crate::store::error::StoreError;
use crate::use_cases::mailed_link::{LinkError, live_item, open_link, or_repeated};

/// How often the account may change under our hands. Each time costs whoever changes it a password check.
const MOST_TRIES: usize = 5;

/// Moves the account back, and gives the address that it has again. A press that the same browser repeats is answered as
/// the first was (OT-02).
pub async fn email_change_undo(app: &App, context: &RequestContext, token: &str) -> Result<Email, LinkError> {
    let token = open_link(app, context, token, Purpose::EmailUndo).await?;
    or_repeated(app, context, &token, move_back(app, context, &token).await).await
}

async fn move_back(app: &App, context: &RequestContext, token: &MailToken) -> Result<Email, LinkError> {
    let item = live_item(app, context, token).await?;
    let email = item.recipient.clone().ok_or(LinkError::InvalidLink)?;
    for _ in 0..MOST_TRIES {
        match undo(app, context, &item, &email).await? {
            AddressMove::Moved => return Ok(email),
            AddressMove::Refused => return Err(LinkError::InvalidLink),
            AddressMove::Superseded => {}
        }
    }
    Err(StoreError::Unavailable("the account keeps changing".to_owned()).into())
}

/// One try, on the account as it is now.
async fn undo(app: &App, context: &RequestContext, item: &OneTime, email: &Email) -> Result<AddressMove, Fault> {
    let Some(user_id) = item.user_id else { return Ok(AddressMove::Refused) };
    let Some(before) = app.store.read_user(user_id).await? else { return Ok(AddressMove::Refused) };
    let Some((after, given_up)) = before.moved_back(email.clone(), context.now) else {
        return Ok(AddressMove::Refused);
    };
    let audit = app.audit(context, Subject::User(user_id), AuditAction::EmailChangeUndone, None)?;
    let undo = AddressUndo { token: item, before: &before, after: &after, given_up: &given_up };
    Ok(app.store.undo_address_change(&undo, &audit).await?)
}
