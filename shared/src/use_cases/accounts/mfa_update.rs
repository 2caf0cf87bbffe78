//! Whether sign-ins ask for the second factor. What is delicate asks for it in any case (MF-07).
//!
//! Store requests: as of [`crate::use_cases::factors_change`], and then as of [`crate::use_cases::accounts::mfa_show`].

use crate::app::App;
use crate::domain::audit::AuditAction;
use crate::domain::factors::{FactorChange, Level};
use crate::domain::request_context::RequestContext;
use crate::store::sign_in::passkeys::PasskeySetting;
use crate::store::sign_in::second_factors::{CodesSetting, TotpSetting};
use crate::use_cases::accounts::mfa_show::{Mfa, mfa_show};
use crate::use_cases::authenticate::{Caller, authenticate_fresh};
use crate::use_cases::factors_change::{Change, FactorsChangeError, make};

/// Sets it, and gives what there is then.
pub async fn mfa_update(
    app: &App,
    context: &RequestContext,
    caller: impl Into<Caller<'_>>,
    second_factor: bool,
) -> Result<Mfa, FactorsChangeError> {
    let asks = caller.into();
    let caller = authenticate_fresh(app, context, asks).await?;
    let (user, session) = (caller.user, caller.session);
    if user.factors.level(app.config.passkeys.rp_id()) == Level::One {
        return Err(FactorsChangeError::NoSecondFactor);
    }
    if user.factors.second_factor != second_factor {
        let (what, action) = if second_factor {
            (FactorChange::SecondFactorOn, AuditAction::SecondFactorOn)
        } else {
            (FactorChange::SecondFactorOff, AuditAction::SecondFactorOff)
        };
        let change = Change {
            user: &user,
            session: &session,
            factors: &user.factors.asked(second_factor),
            totp: TotpSetting::AsItIs,
            passkey: PasskeySetting::AsTheyAre,
            codes: CodesSetting::AsTheyAre,
            what,
            action,
            factor: None,
            ends_others: false,
        };
        make(app, context, change).await?;
    }
    Ok(mfa_show(app, context, asks).await?)
}
