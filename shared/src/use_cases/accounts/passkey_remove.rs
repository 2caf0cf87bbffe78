//! Taking a passkey away. With the last factor the recovery codes go, and sign-ins ask for nothing more.
//!
//! Store requests: two reads in parallel (session, user); a query of the passkeys; then as of
//! [`crate::use_cases::factors_change`].

use crate::app::App;
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, Level};
use crate::domain::id::FactorId;
use crate::domain::request_context::RequestContext;
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::accounts::passkey_update::own_passkey;
use crate::use_cases::authenticate::{Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make};

/// Takes it away.
pub async fn passkey_remove(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    id: Option<FactorId>,
) -> Result<(), FactorsChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    let passkey = own_passkey(app, user.id, id).await?.ok_or(FactorsChangeError::NoSuchPasskey)?;
    let rp_id = app.config.passkeys.rp_id();
    let factors = user.factors.without_passkey(&passkey.record.rp_id, rp_id);
    let codes = if factors.level(rp_id) == Level::One { CodesSetting::None } else { CodesSetting::AsTheyAre };
    let change = Change {
        user: &user,
        session: &session,
        factors: &factors,
        totp: TotpSetting::AsItIs,
        passkey: PasskeySetting::Removed(&passkey),
        codes,
        what: FactorChange::PasskeyRemoved,
        action: AuditAction::PasskeyRemoved,
        factor: Some(passkey.id),
        ends_others: false,
    };
    make(app, context, change).await
}
