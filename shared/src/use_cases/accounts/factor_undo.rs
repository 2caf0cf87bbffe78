//! Taking a first second factor away again (MF-08): somebody with a stolen session, or the password, may have set it up, and
//! whatever came after it was let in by it. Every session ends.
//!
//! Store requests: one read of the item, one of the user, one transaction; more of the last two where the account changes under
//! our hands.

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::factors::{FactorChange, Level};
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::store::error::StoreError;
use crate::store::sign_in::second_factors::{FactorsRemoval, FactorsRemoved};
use crate::use_cases::mailed_link::{LinkError, live_item, open_link, or_repeated};

/// How often the account may change under our hands. Each time costs whoever changes it a second factor.
const MOST_TRIES: usize = 5;

/// Takes all factors away, and gives the address that the mail went to. A press that the same browser repeats is answered as the
/// first was (OT-02).
pub async fn factor_undo(app: &App, context: &RequestContext, token: &str) -> Result<Email, LinkError> {
    let token = open_link(app, context, token, Purpose::FactorUndo).await?;
    or_repeated(app, context, &token, take_away(app, context, &token).await).await
}

async fn take_away(app: &App, context: &RequestContext, token: &MailToken) -> Result<Email, LinkError> {
    let item = live_item(app, context, token).await?;
    let email = item.recipient.clone().ok_or(LinkError::InvalidLink)?;
    for _ in 0..MOST_TRIES {
        match undo(app, context, &item).await? {
            FactorsRemoved::Removed => return Ok(email),
            FactorsRemoved::Refused => return Err(LinkError::InvalidLink),
            FactorsRemoved::Superseded => {}
        }
    }
    Err(StoreError::Unavailable("the account keeps changing".to_owned()).into())
}

/// One try, on the account as it is now. Factors that began anew since are none of this mail's.
async fn undo(app: &App, context: &RequestContext, item: &OneTime) -> Result<FactorsRemoved, Fault> {
    let Some(user_id) = item.user_id else { return Ok(FactorsRemoved::Refused) };
    let user = app
        .store
        .read_user(user_id)
        .await?
        .filter(|user| user.factors.level() == Level::Two && item.factors_since == Some(user.factors.since));
    let Some(user) = user else { return Ok(FactorsRemoved::Refused) };
    let audit = app.audit(context, Subject::User(user_id), AuditAction::FactorsRemoved, None)?;
    let notice = app.notice(context, Purpose::FactorsChanged, &user)?;
    let notice = OneTime { factor_change: Some(FactorChange::Undone), ..notice };
    let factors = user.factors.removed();
    let removal = FactorsRemoval { token: item, user: &user, factors: &factors, notice: &notice };
    Ok(app.store.remove_factors(&removal, &audit).await?)
}
