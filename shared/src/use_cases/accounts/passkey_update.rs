//! Giving a passkey another name.
//!
//! Store requests: two reads in parallel (session, user); a query of the passkeys; one transaction (passkey, audit).

use crate::app::App;
use crate::domain::audit::{AuditAction, AuditEntry, Subject};
use crate::domain::id::{FactorId, UserId};
use crate::domain::name::DisplayName;
use crate::domain::passkey::Passkey;
use crate::domain::request_context::RequestContext;
use crate::fault::Fault;
use crate::use_cases::accounts::mfa_show::ShownOfPasskey;
use crate::use_cases::authenticate::{Caller, authenticate};
use crate::use_cases::factors_change::FactorsChangeError;

/// Renames it. A name opens nothing: that the session lives is enough.
pub async fn passkey_update(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    id: Option<FactorId>,
    name: &DisplayName,
) -> Result<ShownOfPasskey, FactorsChangeError> {
    let caller = authenticate(app, context, caller).await?;
    let passkey = own_passkey(app, caller.user.id, id).await?.ok_or(FactorsChangeError::NoSuchPasskey)?;
    let passkey = Passkey { name: name.as_str().to_owned(), ..passkey };
    let (subject, session) = (Subject::User(caller.user.id), Some(caller.session.id));
    let audit = app.audit(context, subject, AuditAction::PasskeyRenamed, session)?;
    let audit = AuditEntry { detail: Some(passkey.id.to_string()), ..audit };
    if !app.store.rename_passkey(caller.user.id, &passkey, &audit).await? {
        return Err(FactorsChangeError::NoSuchPasskey);
    }
    let usable = passkey.record.is_usable_at(app.config.passkeys.rp_id());
    Ok(ShownOfPasskey { passkey, usable })
}

/// The user's passkey of this id.
pub(super) async fn own_passkey(app: &App, user: UserId, id: Option<FactorId>) -> Result<Option<Passkey>, Fault> {
    let Some(id) = id else { return Ok(None) };
    Ok(app.store.list_passkeys(user).await?.into_iter().find(|passkey| passkey.id == id))
}
