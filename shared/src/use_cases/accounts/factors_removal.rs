//! Taking all second factors away by mail. A first one within a day of its setting up (MF-08): somebody with a stolen session, or
//! the password, may have done that, and whatever came after it was let in by it. Lost ones after the wait (MF-20). Every session
//! ends.
//!
//! Store requests: one read of the item, one of the user, a query where there are passkeys, one transaction; more of all but the
//! first where the account changes under our hands.

use crate::app::App;
use crate::crypto::mail_token::MailToken;
use crate::domain::audit::{AuditAction, Subject};
use crate::domain::email::Email;
use crate::domain::factors::FactorChange;
use crate::domain::one_time::{OneTime, Purpose};
use crate::domain::request_context::RequestContext;
use crate::domain::user::User;
use crate::fault::Fault;
use crate::store::error::StoreError;
use crate::store::sign_in::factor_losses::{FactorsRemoval, FactorsRemoved};
use crate::use_cases::mailed_link::{LinkError, live_item, open_link, or_repeated};

/// How often the account may change under our hands. Each time costs whoever changes it a second factor.
const MOST_TRIES: usize = 5;

/// Why they are taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The first one was not its owner's doing.
    Undone,
    /// They are lost.
    Lost,
}

impl Removal {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Undone => Purpose::FactorUndo,
            Self::Lost => Purpose::RemoveFactors,
        }
    }

    const fn change(self) -> FactorChange {
        match self {
            Self::Undone => FactorChange::Undone,
            Self::Lost => FactorChange::Lost,
        }
    }

    /// Whether the item is of these factors. An undo is of whatever began with it or later: a thief who sets an app up and takes it
    /// away again until no more mails go out must not come out with one that no link undoes. Whatever has changed since factors
    /// were said to be lost was done by who has them.
    fn is_of(self, item: &OneTime, user: &User) -> bool {
        let is_bound = match self {
            Self::Undone => item.factors_since.is_some_and(|since| since <= user.factors.since),
            Self::Lost => item.cred_version == Some(user.cred_version),
        };
        user.factors.has_any() && is_bound
    }
}

/// Takes all factors away, and gives the address that the mail went to. A press that the same browser repeats is answered as the
/// first was (OT-02).
pub async fn remove_factors(
    app: &App,
    context: &RequestContext,
    token: &str,
    removal: Removal,
) -> Result<Email, LinkError> {
    let token = open_link(app, context, token, removal.purpose()).await?;
    or_repeated(app, context, &token, take_away(app, context, &token, removal).await).await
}

async fn take_away(
    app: &App,
    context: &RequestContext,
    token: &MailToken,
    removal: Removal,
) -> Result<Email, LinkError> {
    let item = live_item(app, context, token).await?;
    let email = item.recipient.clone().ok_or(LinkError::InvalidLink)?;
    for _ in 0..MOST_TRIES {
        match try_once(app, context, &item, removal).await? {
            FactorsRemoved::Removed => return Ok(email),
            FactorsRemoved::Refused => return Err(LinkError::InvalidLink),
            FactorsRemoved::Superseded => {}
        }
    }
    Err(StoreError::Unavailable("the account keeps changing".to_owned()).into())
}

/// One try, on the account as it is now.
async fn try_once(
    app: &App,
    context: &RequestContext,
    item: &OneTime,
    removal: Removal,
) -> Result<FactorsRemoved, Fault> {
    let Some(user_id) = item.user_id else { return Ok(FactorsRemoved::Refused) };
    let user = app.store.read_user(user_id).await?.filter(|user| removal.is_of(item, user));
    let Some(user) = user else { return Ok(FactorsRemoved::Refused) };
    let audit = app.audit(context, Subject::User(user_id), AuditAction::FactorsRemoved, None)?;
    let notice = app.notice(context, Purpose::FactorsChanged, &user)?;
    let notice = OneTime { factor_change: Some(removal.change()), ..notice };
    let factors = user.factors.removed();
    let passkeys = if user.factors.passkeys() > 0 { app.store.list_passkeys(user_id).await? } else { Vec::new() };
    let lost = removal == Removal::Lost;
    let removal =
        FactorsRemoval { token: item, user: &user, factors: &factors, passkeys: &passkeys, notice: &notice, lost };
    Ok(app.store.remove_factors(&removal, &audit).await?)
}
