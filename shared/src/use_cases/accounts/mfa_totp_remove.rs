//! Taking away the app that shows codes. With the last factor the recovery codes go, and sign-ins ask for nothing more.
//!
//! Store requests: as of [`crate::use_cases::factors_change`].

use crate::app::App;
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, Level};
use crate::domain::request_context::RequestContext;
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::authenticate::{Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make};

/// Takes it away.
pub async fn mfa_totp_remove(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
) -> Result<(), FactorsChangeError> {
    let caller = authenticate_fresh(app, context, caller).await?;
    let (user, session) = (caller.user, caller.session);
    if !user.factors.totp {
        return Err(FactorsChangeError::NotFound);
    }
    let factors = user.factors.without_totp(app.config.passkeys.rp_id());
    let codes = if factors.level(app.config.passkeys.rp_id()) == Level::One {
        CodesSetting::None
    } else {
        CodesSetting::AsTheyAre
    };
    let change = Change {
        user: &user,
        session: &session,
        factors: &factors,
        totp: TotpSetting::None,
        passkey: PasskeySetting::AsTheyAre,
        codes,
        what: FactorChange::TotpRemoved,
        action: AuditAction::TotpRemoved,
        factor: None,
        ends_others: false,
    };
    make(app, context, change).await
}
